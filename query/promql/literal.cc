#include "query/promql/literal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace varve::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ToLower(a[i]) != lower[i]) return false;
  }
  return true;
}

// Go accepts `_` only between digits, or between a base prefix and a digit.
bool UnderscoresAreBetweenDigits(std::string_view text) {
  bool after_digit = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      after_digit = IsAlphaNumeric(text[i]);
      continue;
    }
    if (!after_digit || i + 1 == text.size() || !IsAlphaNumeric(text[i + 1]) ||
        text[i + 1] == '_') {
      return false;
    }
    after_digit = false;
  }
  return true;
}

// The value as a 64-bit integer in the base of its prefix; false when it is not one.
bool ParseInteger(std::string_view digits, double* value) {
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && ToLower(digits[1]) == 'x') {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  int64_t integer = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), integer, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  *value = static_cast<double>(integer);
  return true;
}

// Whether a decimal that does not fit a double is too small rather than too large.
bool Underflows(std::string_view digits) {
  const size_t exponent = digits.find_first_of("eE");
  if (exponent != std::string_view::npos) return digits.substr(exponent + 1).starts_with('-');
  return digits.find_first_of("123456789") > digits.find('.');
}

Status NumberError(std::string_view text, std::string_view reason) {
  return InvalidArgumentError("error parsing number: strconv.ParseFloat: parsing " + Quote(text) +
                              ": " + std::string(reason));
}

// Not printable by Go's rules, among the code points that UTF-8 can hold: controls, every space but
// ' ', format characters, private use and non-characters. Unassigned code points are taken for
// printable.
bool IsUnprintable(char32_t r) {
  if (r < 0x20 || (r >= 0x7F && r <= 0xA0) || r == 0xAD) return true;
  if (r == 0x1680 || (r >= 0x2000 && r <= 0x200F) || (r >= 0x2028 && r <= 0x202F)) return true;
  if ((r >= 0x205F && r <= 0x206F) || r == 0x3000 || r == 0xFEFF) return true;
  if ((r >= 0xD800 && r <= 0xF8FF) || r >= 0xE0000) return true;
  return (r & 0xFFFE) == 0xFFFE;
}

void AppendHex(uint32_t value, int digits, std::string* out) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    *out += "0123456789abcdef"[(value >> shift) & 0xF];
  }
}

void AppendEscaped(char32_t r, char quote, std::string* out) {
  if (r == static_cast<char32_t>(quote) || r == '\\') {
    *out += '\\';
    *out += static_cast<char>(r);
    return;
  }
  if (!IsUnprintable(r)) return AppendRune(r, out);
  constexpr std::string_view kControls = "\a\b\f\n\r\t\v";
  if (const size_t i = r < 0x80 ? kControls.find(static_cast<char>(r)) : std::string_view::npos;
      i != std::string_view::npos) {
    *out += '\\';
    *out += "abfnrtv"[i];
    return;
  }
  *out += r < 0x80 ? "\\x" : r < 0x10000 ? "\\u" : "\\U";
  AppendHex(r, r < 0x80 ? 2 : r < 0x10000 ? 4 : 8, out);
}

uint32_t HexDigit(char c) {
  return static_cast<uint32_t>(IsDigit(c) ? c - '0' : ToLower(c) - 'a' + 10);
}

// Reads `count` digits of `base` at `*at`, and moves past them.
uint32_t ReadDigits(std::string_view text, size_t count, uint32_t base, size_t* at) {
  uint32_t value = 0;
  for (size_t i = 0; i < count && *at < text.size(); ++i)
    value = value * base + HexDigit(text[(*at)++]);
  return value;
}

// Appends what the escape sequence whose letter is at `*at` stands for, and moves past it.
void AppendUnescaped(std::string_view text, size_t* at, std::string* out) {
  constexpr std::string_view kLetters = "abfnrtv";
  const char c = text[*at];
  if (const size_t i = kLetters.find(c); i != std::string_view::npos) {
    *out += "\a\b\f\n\r\t\v"[i];
    ++*at;
  } else if (c == 'x') {
    ++*at;
    *out += static_cast<char>(ReadDigits(text, 2, 16, at));
  } else if (c == 'u' || c == 'U') {
    ++*at;
    AppendRune(ReadDigits(text, c == 'u' ? 4 : 8, 16, at), out);
  } else if (IsDigit(c)) {
    *out += static_cast<char>(ReadDigits(text, 3, 8, at));
  } else {
    *out += c;
    ++*at;
  }
}

}  // namespace

Result<double> ParseNumber(std::string_view text) {
  if (EqualsIgnoringCase(text, "inf")) return std::numeric_limits<double>::infinity();
  if (EqualsIgnoringCase(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (!UnderscoresAreBetweenDigits(text)) return NumberError(text, "invalid syntax");
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  double value = 0;
  if (ParseInteger(digits, &value)) return value;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument)
    return NumberError(text, "invalid syntax");
  if (error == std::errc::result_out_of_range) {
    if (!Underflows(digits)) return NumberError(text, "value out of range");
    return 0.0;
  }
  return value;
}

Result<int64_t> ParseDurationNs(std::string_view text) {
  if (text.empty()) return InvalidArgumentError("empty duration string");
  if (text == "0") return int64_t{0};
  struct Unit {
    std::string_view name;
    int64_t ms;
  };
  constexpr std::array<Unit, 7> kUnits = {{{"y", int64_t{365} * 86'400'000},
                                           {"w", int64_t{7} * 86'400'000},
                                           {"d", 86'400'000},
                                           {"h", 3'600'000},
                                           {"m", 60'000},
                                           {"s", 1000},
                                           {"ms", 1}}};
  int64_t total = 0;
  size_t unit = 0;  // the next one that may follow: each at most once, in descending order
  for (size_t at = 0; at < text.size();) {
    const size_t digits_begin = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    const size_t name_begin = at;
    while (at < text.size() && !IsDigit(text[at])) ++at;
    const std::string_view name = text.substr(name_begin, at - name_begin);
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size() || digits_begin == name_begin) {
      return InvalidArgumentError("not a valid duration string: " + Quote(text));
    }
    int64_t count = 0;
    const auto parsed =
        std::from_chars(text.data() + digits_begin, text.data() + name_begin, count);
    int64_t ns = 0;
    if (parsed.ec != std::errc() ||
        __builtin_mul_overflow(count, kUnits[unit].ms * kNsPerMs, &ns) ||
        __builtin_add_overflow(total, ns, &total)) {
      return InvalidArgumentError("duration out of range");
    }
    ++unit;
  }
  return total;
}

std::string FormatFloat(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<size_t>(written.ptr - buffer.data()));
  const size_t e = text.find('e');
  int exponent = 0;
  const size_t exponent_begin = e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + exponent_begin, text.data() + text.size(), exponent);

  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (IsDigit(c)) digits += c;
  }
  std::string out = text[0] == '-' ? "-" : "";
  const auto count = static_cast<int>(digits.size());
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    return out + digits;
  }
  if (exponent + 1 >= count) {
    out += digits;
    out.append(static_cast<size_t>(exponent + 1 - count), '0');
    return out;
  }
  const auto whole = static_cast<size_t>(exponent + 1);
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string FormatFloatGo(double value) {
  const double magnitude = std::abs(value);
  if (value == 0 || !std::isfinite(value) || (magnitude >= 1e-4 && magnitude < 1e6)) {
    return FormatFloat(value);
  }
  std::array<char, 32> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     std::chars_format::scientific);
  return std::string(buffer.data(), written.ptr);
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    size_t size = 0;
    const char32_t rune = DecodeRune(text, at, &size);
    if (rune == kRuneError && size == 1) {
      out += "\\x";
      AppendHex(static_cast<uint8_t>(text[at]), 2, &out);
    } else {
      AppendEscaped(rune, '"', &out);
    }
    at += size;
  }
  return out + "\"";
}

std::string QuoteRune(char32_t rune) {
  std::string out = "'";
  AppendEscaped(rune, '\'', &out);
  return out + "'";
}

std::string Unquote(std::string_view token) {
  const std::string_view body = token.substr(1, token.size() - 2);
  if (token[0] == '`') return std::string(body);
  std::string out;
  for (size_t at = 0; at < body.size();) {
    if (body[at] == '\\' && at + 1 < body.size()) {
      ++at;
      AppendUnescaped(body, &at, &out);
    } else {
      out += body[at++];
    }
  }
  return out;
}

char32_t DecodeRune(std::string_view text, size_t at, size_t* size) {
  *size = 1;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return first;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return kRuneError;
  char32_t rune = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kRuneError;
    rune = (rune << 6) | (byte(i) & 0x3F);
  }
  const bool overlong = (length == 3 && rune < 0x800) || (length == 4 && rune < 0x10000);
  if (overlong || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) return kRuneError;
  *size = length;
  return rune;
}

void AppendRune(char32_t rune, std::string* out) {
  const auto tail = [&](int shift) { *out += static_cast<char>(0x80 | ((rune >> shift) & 0x3F)); };
  if (rune < 0x80) {
    *out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    *out += static_cast<char>(0xC0 | (rune >> 6));
    tail(0);
  } else if (rune < 0x10000) {
    *out += static_cast<char>(0xE0 | (rune >> 12));
    tail(6);
    tail(0);
  } else {
    *out += static_cast<char>(0xF0 | (rune >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool IsPlainLabelName(std::string_view name) {
  if (name.empty() || IsDigit(name[0])) return false;
  for (const char c : name) {
    if (!IsAlphaNumeric(c)) return false;
  }
  return true;
}

bool IsValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    size_t size = 0;
    if (DecodeRune(text, at, &size) == kRuneError && size == 1) return false;
    at += size;
  }
  return true;
}

}  // namespace varve::promql
