#include "server/api/number_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace varve::server {
namespace {

// The longest: sign, 309 digits before or 324 zeros and 17 digits after the point.
constexpr size_t kFixedBytesMax = 400;
// Up to here every integer is a double, so the shortest digits are all the digits.
constexpr double kExactIntegerMax = 9007199254740992.0;

bool AppendSpecial(double v, std::string* out) {
  if (std::isnan(v)) {
    *out += "NaN";
    return true;
  }
  if (std::isinf(v)) {
    *out += v > 0 ? "+Inf" : "-Inf";
    return true;
  }
  return false;
}

// Above 2^53 std::to_chars fills up with the digits of the exact value where Go fills up with
// zeros.
void AppendLarge(double v, std::string* out) {
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), v, std::chars_format::scientific).ptr;
  const std::string_view all(text.data(), static_cast<size_t>(end - text.data()));
  const size_t e = all.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + 2, end, exponent);  // after "e+"
  size_t digits = 0;
  for (const char c : all.substr(0, e)) {
    if (c == '.') continue;
    *out += c;
    if (c != '-') ++digits;
  }
  out->append(static_cast<size_t>(exponent) + 1 - digits, '0');
}

template <typename T>
void AppendChars(T v, std::string* out) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
  out->append(text.data(), end);
}

}  // namespace

void AppendFixed(double v, std::string* out) {
  if (AppendSpecial(v, out)) return;
  if (std::fabs(v) > kExactIntegerMax) return AppendLarge(v, out);
  std::array<char, kFixedBytesMax> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), v, std::chars_format::fixed).ptr;
  out->append(text.data(), end);
}

char* WriteValue(double v, char* to) {
  // Counters and gauges are integers more often than not, and those are quick to write.
  if (std::fabs(v) < kExactIntegerMax && v == std::trunc(v) && (v != 0 || !std::signbit(v))) {
    return std::to_chars(to, to + kValueBytesMax, static_cast<int64_t>(v)).ptr;
  }
  const double magnitude = std::fabs(v);
  if (magnitude >= 1e-6 && magnitude <= kExactIntegerMax) {
    return std::to_chars(to, to + kValueBytesMax, v, std::chars_format::fixed).ptr;
  }
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) && !std::isinf(v)) {
    return std::to_chars(to, to + kValueBytesMax, v, std::chars_format::scientific).ptr;
  }
  std::string text;
  AppendFixed(v, &text);
  return std::copy(text.begin(), text.end(), to);
}

void AppendValue(double v, std::string* out) {
  std::array<char, kValueBytesMax> text;
  out->append(text.data(), WriteValue(v, text.data()));
}

void AppendExposedValue(double v, std::string* out) {
  const double magnitude = std::fabs(v);
  if (magnitude == 0 || std::isnan(v) || std::isinf(v) || (magnitude >= 1e-4 && magnitude < 1e6)) {
    return AppendFixed(v, out);
  }
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), v, std::chars_format::scientific).ptr;
  out->append(text.data(), end);
}

void AppendSeconds(int64_t timestamp_ms, std::string* out) {
  uint64_t magnitude = static_cast<uint64_t>(timestamp_ms);
  if (timestamp_ms < 0) {
    *out += '-';
    magnitude = 0 - magnitude;
  }
  AppendChars(magnitude / 1000, out);
  const uint64_t fraction = magnitude % 1000;
  if (fraction == 0) return;
  *out += '.';
  if (fraction < 100) *out += '0';
  if (fraction < 10) *out += '0';
  AppendChars(fraction, out);
}

void AppendInteger(int64_t v, std::string* out) { AppendChars(v, out); }
void AppendInteger(uint64_t v, std::string* out) { AppendChars(v, out); }

}  // namespace varve::server
