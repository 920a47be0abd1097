#include "server/config/value_text.h"

#include <charconv>
#include <iterator>

#include "varve/promql.h"

namespace varve::server {
namespace {

struct Unit {
  std::string_view name;
  uint64_t size;
};
// Largest first within each family; BytesText takes the first that divides.
constexpr Unit kByteUnits[] = {
    {"TiB", uint64_t{1} << 40},
    {"GiB", uint64_t{1} << 30},
    {"MiB", uint64_t{1} << 20},
    {"KiB", uint64_t{1} << 10},
    {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"kB", 1'000},
    {"B", 1},
};
constexpr Unit kTimeUnits[] = {
    {"w", 7 * 86'400'000}, {"d", 86'400'000}, {"h", 3'600'000},
    {"m", 60'000},         {"s", 1000},       {"ms", 1},
};

}  // namespace

Result<uint64_t> ParseBytes(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc()) {
    const std::string_view unit_name(at, static_cast<size_t>(end - at));
    for (const Unit& unit : kByteUnits) {
      if (unit_name != unit.name && !(unit_name.empty() && unit.size == 1)) continue;
      uint64_t bytes = 0;
      if (__builtin_mul_overflow(number, unit.size, &bytes)) break;
      return bytes;
    }
  }
  return InvalidArgumentError("expected bytes, as in 64MiB, 1GB or 4096");
}

std::string BytesText(uint64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes >= unit.size && bytes % unit.size == 0) {
      return std::to_string(bytes / unit.size) + std::string(unit.name);
    }
  }
  return "0B";
}

Result<int64_t> ParseDuration(std::string_view text) {
  Result<int64_t> duration_ms = promql::ParseDurationMs(text);
  if (duration_ms.ok()) return duration_ms;
  return InvalidArgumentError("expected a duration, as in 90d, 1h30m or 500ms");
}

std::string DurationText(int64_t duration_ms) {
  for (const Unit& unit : kTimeUnits) {
    const auto size = static_cast<int64_t>(unit.size);
    if (duration_ms >= size && duration_ms % size == 0) {
      return std::to_string(duration_ms / size) + std::string(unit.name);
    }
  }
  return "0s";
}

Result<uint64_t> ParseCount(std::string_view text) {
  uint64_t count = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && at == text.data() + text.size() && count > 0) return count;
  return InvalidArgumentError("expected a whole number above 0");
}

}  // namespace varve::server
