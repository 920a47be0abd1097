#include "server/api/parameters.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "base/status_macros.h"
#include "server/http/compression.h"
#include "varve/promql.h"

namespace varve::server {
namespace {

constexpr size_t kFormBytesMax = size_t{16} << 20;
// Go's time.Time, in which Prometheus computes, spans more; in milliseconds this much is safe to
// add and subtract.
constexpr double kSecondsMax = 9e15;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

std::optional<double> ParseNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

// Takes `digits` decimal digits off the front; -1 when there are fewer.
int TakeDigits(std::string_view* text, size_t digits) {
  int value = 0;
  if (text->size() < digits) return -1;
  for (size_t i = 0; i < digits; ++i) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text->remove_prefix(digits);
  return value;
}

bool TakeChar(std::string_view* text, std::string_view allowed) {
  if (text->empty() || allowed.find(text->front()) == std::string_view::npos) return false;
  text->remove_prefix(1);
  return true;
}

// Days from 1970-01-01 to a date of the Gregorian calendar
// (http://howardhinnant.github.io/date_algorithms.html#days_from_civil).
int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int DaysInMonth(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && is_leap ? 29 : kDays[month - 1];
}

// The zone's offset from UTC in seconds: "Z", "+02:00".
std::optional<int64_t> TakeZone(std::string_view* text) {
  if (TakeChar(text, "Zz")) return 0;
  if (text->empty()) return std::nullopt;
  const int64_t sign = text->front() == '-' ? -1 : 1;
  if (!TakeChar(text, "+-")) return std::nullopt;
  const int hours = TakeDigits(text, 2);
  if (hours < 0 || hours > 23 || !TakeChar(text, ":")) return std::nullopt;
  const int minutes = TakeDigits(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

// Nanoseconds out of ".123456"; more precise digits are cut off.
std::optional<int64_t> TakeFraction(std::string_view* text) {
  if (!TakeChar(text, ".,")) return 0;
  int64_t nanoseconds = 0;
  int64_t unit = 100'000'000;
  size_t digits = 0;
  for (; !text->empty() && text->front() >= '0' && text->front() <= '9'; ++digits) {
    nanoseconds += unit * (text->front() - '0');
    unit /= 10;
    text->remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return nanoseconds;
}

struct UnixTime {
  int64_t seconds = 0;
  int64_t nanoseconds = 0;  // beyond the seconds
};

std::optional<UnixTime> ParseRfc3339(std::string_view text) {
  const int year = TakeDigits(&text, 4);
  if (year < 0 || !TakeChar(&text, "-")) return std::nullopt;
  const int month = TakeDigits(&text, 2);
  if (month < 1 || month > 12 || !TakeChar(&text, "-")) return std::nullopt;
  const int day = TakeDigits(&text, 2);
  if (day < 1 || day > DaysInMonth(year, month) || !TakeChar(&text, "Tt")) return std::nullopt;
  const int hour = TakeDigits(&text, 2);
  if (hour < 0 || hour > 23 || !TakeChar(&text, ":")) return std::nullopt;
  const int minute = TakeDigits(&text, 2);
  if (minute < 0 || minute > 59 || !TakeChar(&text, ":")) return std::nullopt;
  const int second = TakeDigits(&text, 2);
  if (second < 0 || second > 59) return std::nullopt;
  const std::optional<int64_t> fraction_ns = TakeFraction(&text);
  const std::optional<int64_t> zone = TakeZone(&text);
  if (!fraction_ns.has_value() || !zone.has_value() || !text.empty()) return std::nullopt;
  const int64_t seconds =
      DaysFromCivil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - *zone;
  return UnixTime{seconds, *fraction_ns};
}

Status InvalidParameter(std::string_view name, const Status& why) {
  return InvalidArgumentError("invalid parameter \"" + std::string(name) + "\": " + why.message());
}

// The number that `digits` spell in base 16, or -1.
int64_t HexNumber(std::string_view digits) {
  uint32_t value = 0;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || at != digits.data() + digits.size()) return -1;
  return value;
}

bool AppendUtf8(int64_t code, std::string* out) {
  if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
  const auto put = [out](int64_t byte) { *out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  }
  return true;
}

}  // namespace

Result<int64_t> ParseTimeMs(std::string_view text) {
  if (const std::optional<double> seconds = ParseNumber(text)) {
    if (std::fabs(*seconds) <= kSecondsMax) {
      return static_cast<int64_t>(std::llround(*seconds * 1000));
    }
  } else if (const std::optional<UnixTime> time = ParseRfc3339(text)) {
    return time->seconds * 1000 + time->nanoseconds / 1'000'000;
  }
  return InvalidArgumentError("cannot parse \"" + std::string(text) + "\" to a valid timestamp");
}

Result<uint64_t> ParseTimeNs(std::string_view text) {
  const Status invalid =
      InvalidArgumentError("cannot parse \"" + std::string(text) + "\" to a valid timestamp");
  uint64_t whole = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc() && at == text.data() + text.size()) {
    // The year 5138 in seconds is the year 1973 in milliseconds, and so on.
    constexpr uint64_t kUnitMax = 100'000'000'000;
    if (whole < kUnitMax) {
      if (whole > UINT64_MAX / kNsPerSecond) return invalid;
      return whole * kNsPerSecond;
    }
    if (whole < kUnitMax * 1000) return whole * 1'000'000;
    if (whole < kUnitMax * 1'000'000) return whole * 1000;
    return whole;
  }
  if (const std::optional<double> seconds = ParseNumber(text)) {
    constexpr double kMax = 1.8e10;  // beyond that, nanoseconds do not fit
    if (!(*seconds >= 0 && *seconds < kMax)) return invalid;
    return static_cast<uint64_t>(std::llround(*seconds * 1e9));
  }
  const std::optional<UnixTime> time = ParseRfc3339(text);
  constexpr int64_t kSecondsMaxNs = INT64_MAX / static_cast<int64_t>(kNsPerSecond) - 1;
  if (!time || time->seconds < 0 || time->seconds > kSecondsMaxNs) return invalid;
  return static_cast<uint64_t>(time->seconds) * kNsPerSecond +
         static_cast<uint64_t>(time->nanoseconds);
}

Result<int64_t> ParseDurationOrSecondsMs(std::string_view text) {
  if (const std::optional<double> seconds = ParseNumber(text)) {
    if (std::fabs(*seconds) * 1e9 < 9.2e18) {
      return static_cast<int64_t>(std::llround(*seconds * 1000));
    }
    return InvalidArgumentError("cannot parse \"" + std::string(text) +
                                "\" to a valid duration. It overflows int64");
  }
  if (Result<int64_t> duration_ms = promql::ParseDurationMs(text); duration_ms.ok()) {
    return duration_ms;
  }
  return InvalidArgumentError("cannot parse \"" + std::string(text) + "\" to a valid duration");
}

std::string UnescapeLabelName(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out += name[i];
      continue;
    }
    const size_t close = name.find('_', i + 1);
    if (close == std::string_view::npos) return std::string(name);
    if (close == i + 1) {
      out += '_';
    } else if (!AppendUtf8(HexNumber(name.substr(i + 1, close - i - 1)), &out)) {
      return std::string(name);
    }
    i = close;
  }
  return out;
}

Result<Form> ReadForm(const Request& request) {
  Form form;
  const std::string_view type = request.Header("Content-Type");
  const std::string_view media_type = type.substr(0, type.find_first_of("; "));
  if (!request.body.empty() && EqualsIgnoreCase(media_type, "application/x-www-form-urlencoded")) {
    const std::string_view coding = request.Header("Content-Encoding");
    if (EqualsIgnoreCase(coding, "gzip")) {
      ASSIGN_OR_RETURN(const std::string body, GunzipAtMost(request.body, kFormBytesMax));
      RETURN_IF_ERROR(form.Add(body));
    } else if (coding.empty() || EqualsIgnoreCase(coding, "identity")) {
      RETURN_IF_ERROR(form.Add(request.body));
    } else {
      return InvalidArgumentError("Content-Encoding \"" + std::string(coding) +
                                  "\" is not supported for forms: use gzip or none");
    }
  }
  RETURN_IF_ERROR(form.Add(request.query));
  return form;
}

Result<int64_t> TimeParameter(const Form& form, std::string_view name, int64_t default_ms) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return default_ms;
  Result<int64_t> time_ms = ParseTimeMs(text);
  if (!time_ms.ok()) return InvalidParameter(name, time_ms.status());
  return time_ms;
}

Result<int64_t> DurationParameter(const Form& form, std::string_view name, int64_t default_ms) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return default_ms;
  Result<int64_t> duration_ms = ParseDurationOrSecondsMs(text);
  if (!duration_ms.ok()) return InvalidParameter(name, duration_ms.status());
  return duration_ms;
}

Result<size_t> CountParameter(const Form& form, std::string_view name, size_t default_count) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return default_count;
  int64_t count = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || at != text.data() + text.size()) {
    return InvalidParameter(
        name, InvalidArgumentError("\"" + std::string(text) + "\" is not a whole number"));
  }
  if (count < 0) return InvalidParameter(name, InvalidArgumentError("limit must be non-negative"));
  return static_cast<size_t>(count);
}

Result<TimeRange> TimeRangeParameters(const Form& form) {
  TimeRange range;
  ASSIGN_OR_RETURN(range.min_ms, TimeParameter(form, "start", range.min_ms));
  ASSIGN_OR_RETURN(range.max_ms, TimeParameter(form, "end", range.max_ms));
  if (range.max_ms < range.min_ms) {
    return InvalidArgumentError(
        "invalid parameter \"end\": end timestamp must not be before start time");
  }
  return range;
}

Result<std::vector<Selector>> SelectorParameters(const Form& form) {
  std::vector<Selector> selectors;
  for (const std::string_view text : form.All("match[]")) {
    Result<Selector> selector = promql::ParseSelector(text);
    if (!selector.ok()) return InvalidParameter("match[]", selector.status());
    selectors.push_back(std::move(selector).value());
  }
  return selectors;
}

}  // namespace varve::server
