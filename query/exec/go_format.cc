#include "query/exec/go_format.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "base/check.h"

namespace varve::promql::exec {
namespace {

// strconv's 'g' with shortest digits goes over to an exponent here.
constexpr int kShortExponentMax = 6;

// The shortest decimal digits d1 d2 d3... of |value| = 0.d1d2d3... x 10^point.
struct ShortestDigits {
  std::string digits;
  int point = 0;
};

ShortestDigits Shortest(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), std::fabs(value),
                                    std::chars_format::scientific);
  VARVE_CHECK(result.ec == std::errc());
  const std::string_view text(buffer, static_cast<size_t>(result.ptr - buffer));
  const size_t e = text.find('e');
  ShortestDigits out;
  for (char c : text.substr(0, e)) {
    if (c != '.') out.digits.push_back(c);
  }
  // to_chars writes e+07; from_chars does not take the plus.
  const size_t exponent_at = e + (text[e + 1] == '+' ? 2 : 1);
  int exponent = 0;
  std::from_chars(text.data() + exponent_at, text.data() + text.size(), exponent);
  out.point = exponent + 1;
  if (out.digits == "0") out.point = 1;
  return out;
}

bool FormatSpecial(double value, std::string* out) {
  if (std::isnan(value)) {
    *out = "NaN";
  } else if (std::isinf(value)) {
    *out = value > 0 ? "+Inf" : "-Inf";
  } else {
    return false;
  }
  return true;
}

std::string Fixed(const ShortestDigits& shortest) {
  const auto& [digits, point] = shortest;
  const int count = static_cast<int>(digits.size());
  if (point <= 0) {
    return digits == "0" ? "0" : "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  }
  if (point >= count) return digits + std::string(static_cast<size_t>(point - count), '0');
  const size_t whole = static_cast<size_t>(point);
  return digits.substr(0, whole) + "." + digits.substr(whole);
}

void AppendHexEscape(unsigned char c, std::string* out) {
  char buffer[8];
  std::snprintf(buffer, sizeof(buffer), "\\x%02x", c);
  *out += buffer;
}

// The length of the valid UTF-8 sequence at `text`; 0 when there is none.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 && first < 0xf5   ? 4
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xc2 && first < 0xe0 ? 2
                                                        : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

}  // namespace

std::string FormatGoFixed(double value) {
  std::string special;
  if (FormatSpecial(value, &special)) return special;
  return (std::signbit(value) ? "-" : "") + Fixed(Shortest(value));
}

std::string FormatGoShort(double value) {
  std::string special;
  if (FormatSpecial(value, &special)) return special;
  const ShortestDigits shortest = Shortest(value);
  const int count = static_cast<int>(shortest.digits.size());
  const int exponent = shortest.point - 1;
  const std::string sign = std::signbit(value) ? "-" : "";
  if (value == 0 || (exponent >= -4 && exponent < kShortExponentMax)) return sign + Fixed(shortest);
  std::string out = sign + shortest.digits.substr(0, 1);
  if (count > 1) out += "." + shortest.digits.substr(1);
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
  return out + buffer;
}

std::string FormatGoDigits(double value, int digits) {
  std::string special;
  if (FormatSpecial(value, &special)) return special;
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%.*g", digits, value);
  return buffer;
}

std::string FormatGoDecimal(double value) {
  std::string special;
  if (FormatSpecial(value, &special)) return special;
  char buffer[512];
  std::snprintf(buffer, sizeof(buffer), "%f", value);
  return buffer;
}

std::string QuoteGo(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const size_t length = Utf8Length(text.substr(i));
    if (length == 0) {
      AppendHexEscape(static_cast<unsigned char>(c), &out);
      ++i;
      continue;
    }
    if (length > 1) {
      out.append(text.substr(i, length));
      i += length;
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\v':
        out += "\\v";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          AppendHexEscape(static_cast<unsigned char>(c), &out);
        } else {
          out.push_back(c);
        }
    }
  }
  return out + "\"";
}

std::string FormatGoLabels(const Labels& labels) {
  std::string out = "{";
  for (const LabelView label : labels) {
    if (out.size() > 1) out += ", ";
    out.append(label.name);
    out += "=" + QuoteGo(label.value);
  }
  return out + "}";
}

std::string FormatRfc3339Seconds(int64_t time_ms) {
  const time_t seconds = static_cast<time_t>(time_ms / 1000);
  struct tm utc = {};
  if (gmtime_r(&seconds, &utc) == nullptr) return std::to_string(time_ms) + "ms";
  char buffer[64];
  const size_t length = std::strftime(buffer, sizeof(buffer), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return std::string(buffer, length);
}

bool ParseGoFloat(std::string_view text, double* value) {
  double sign = 1;
  std::string_view rest = text;
  if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) {
    if (rest[0] == '-') sign = -1;
    rest.remove_prefix(1);
  }
  std::string lower;
  for (char c : rest) lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  if (lower == "inf" || lower == "infinity") {
    *value = sign * std::numeric_limits<double>::infinity();
    return true;
  }
  if (lower == "nan") {
    *value = std::numeric_limits<double>::quiet_NaN();
    return sign > 0 && text[0] != '+';  // Go takes no sign before NaN
  }
  auto format = std::chars_format::general;
  if (lower.size() > 2 && lower[0] == '0' && lower[1] == 'x') {
    // Go wants the binary exponent that from_chars leaves optional.
    if (lower.find('p') == std::string::npos) return false;
    format = std::chars_format::hex;
    lower.erase(0, 2);
  }
  if (lower.empty() || lower[0] == '-' || lower[0] == '+') return false;
  double magnitude = 0;
  const auto result = std::from_chars(lower.data(), lower.data() + lower.size(), magnitude, format);
  if (result.ec != std::errc() || result.ptr != lower.data() + lower.size()) return false;
  *value = sign * magnitude;
  return true;
}

}  // namespace varve::promql::exec
