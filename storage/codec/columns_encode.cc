#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "storage/codec/columns.h"
#include "storage/codec/decimal.h"
#include "storage/codec/integer_column.h"

namespace varve::codec {
namespace {

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// A value as d / 10^exponent, and what that misses it by in units of the last place.
struct Decimal {
  int64_t integer = 0;
  int64_t correction = 0;
};

// Corrections beyond this are no rounding noise: such a value is an exception.
constexpr int64_t kCorrectionMax = int64_t{1} << 20;

// False when the value has no such form. -0.0 has none, for an integer has no sign of zero: its
// correction is enormous.
inline bool ToDecimal(double value, unsigned exponent, Decimal* out) {
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < kDecimalIntegerMax)) return false;
  out->integer = std::llrint(scaled);
  const uint64_t nearest = BitsOf(FromDecimal(out->integer, exponent));
  const uint64_t difference = BitsOf(value) - nearest;
  out->correction = static_cast<int64_t>(difference);
  return out->correction >= -kCorrectionMax && out->correction <= kCorrectionMax;
}

size_t ChangeBytes(int64_t from, int64_t to) {
  if (from == to) return 0;
  const uint64_t difference = static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  return VarintLength(ZigZagEncode(static_cast<int64_t>(difference)));
}

constexpr size_t kExceptionBytes = sizeof(double) + 2;

// About how many bytes `values` take with this exponent.
size_t EstimateDecimal(std::span<const double> values, unsigned exponent) {
  Decimal last;
  size_t bytes = 0;
  for (const double value : values) {
    Decimal decimal;
    if (!ToDecimal(value, exponent, &decimal)) {
      bytes += kExceptionBytes;
      continue;
    }
    bytes += ChangeBytes(last.integer, decimal.integer);
    bytes += ChangeBytes(last.correction, decimal.correction);
    last = decimal;
  }
  return bytes;
}

bool AllIntegers(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) {
    Decimal decimal;
    return ToDecimal(value, 0, &decimal) && decimal.correction == 0;
  });
}

// Two pieces of the column nominate the two cheapest exponents; the column decides between them.
unsigned ChooseExponent(std::span<const double> values) {
  if (AllIntegers(values)) return 0;
  constexpr size_t kPiece = 24;
  const auto head = values.first(std::min(kPiece, values.size()));
  const auto middle = values.subspan(values.size() / 2, std::min(kPiece, values.size() / 2));
  std::array<std::pair<size_t, unsigned>, kPowersOfTen.size()> costs;
  for (unsigned exponent = 0; exponent < costs.size(); ++exponent) {
    costs[exponent] = {EstimateDecimal(head, exponent) + EstimateDecimal(middle, exponent),
                       exponent};
  }
  std::partial_sort(costs.begin(), costs.begin() + 2, costs.end());
  const size_t first = EstimateDecimal(values, costs[0].second);
  const size_t second = EstimateDecimal(values, costs[1].second);
  return second < first ? costs[1].second : costs[0].second;
}

void EncodeDecimals(std::span<const double> values, std::string* out) {
  const unsigned exponent = ChooseExponent(values);
  std::vector<int64_t> integers(values.size());
  std::vector<int64_t> corrections(values.size());
  std::vector<size_t> exceptions;
  bool corrected = false;
  Decimal last;
  for (size_t i = 0; i < values.size(); ++i) {
    Decimal decimal;
    if (ToDecimal(values[i], exponent, &decimal)) {
      last = decimal;
    } else {
      exceptions.push_back(i);
    }
    integers[i] = last.integer;
    corrections[i] = last.correction;
    corrected = corrected || last.correction != 0;
  }
  out->push_back(static_cast<char>(exponent | (corrected ? kHasCorrections : 0) |
                                   (exceptions.empty() ? 0 : kHasExceptions)));
  EncodeIntegers(integers, out);
  if (corrected) EncodeIntegers(corrections, out);
  if (exceptions.empty()) return;
  AppendVarint(out, exceptions.size());
  size_t next = 0;
  for (const size_t i : exceptions) {
    AppendVarint(out, i - next);
    next = i + 1;
  }
  for (const size_t i : exceptions) AppendFixed(out, values[i]);
}

void EncodeConstant(double value, std::string* out) {
  Decimal decimal;
  for (unsigned exponent = 0; exponent < kPowersOfTen.size(); ++exponent) {
    if (!ToDecimal(value, exponent, &decimal) || decimal.correction != 0) continue;
    if (VarintLength(ZigZagEncode(decimal.integer)) >= sizeof value) break;
    out->push_back(static_cast<char>(exponent));
    AppendVarint(out, ZigZagEncode(decimal.integer));
    return;
  }
  out->push_back(static_cast<char>(kRawConstant));
  AppendFixed(out, value);
}

// The lengths of the runs less 1, then their bits.
void EncodeRuns(std::span<const double> values, std::string* out) {
  std::string bits;
  for (size_t begin = 0; begin < values.size();) {
    size_t end = begin + 1;
    while (end < values.size() && BitsOf(values[end]) == BitsOf(values[begin])) ++end;
    AppendVarint(out, end - begin - 1);
    AppendFixed(&bits, values[begin]);
    begin = end;
  }
  out->append(bits);
}

// Less than any column of decimals could take where values change all the time.
size_t RunsBytes(std::span<const double> values) {
  size_t runs = 1;
  for (size_t i = 1; i < values.size(); ++i) runs += BitsOf(values[i]) != BitsOf(values[i - 1]);
  return runs * (sizeof(double) + 1);
}

void EncodeXorPlanes(std::span<const double> values, std::string* out) {
  const size_t begin = out->size();
  out->resize(begin + values.size() * sizeof(double));
  char* const planes = out->data() + begin;
  uint64_t last = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t difference = BitsOf(values[i]) ^ last;
    last = BitsOf(values[i]);
    for (size_t plane = 0; plane < sizeof(double); ++plane) {
      planes[plane * values.size() + i] = static_cast<char>(difference >> (56 - 8 * plane));
    }
  }
}

}  // namespace

ValueCodec EncodeValues(std::span<const double> values, std::string* out) {
  VARVE_CHECK(!values.empty());
  const size_t runs = RunsBytes(values);
  if (runs == sizeof(double) + 1) {
    EncodeConstant(values.front(), out);
    return ValueCodec::kConstant;
  }
  const size_t begin = out->size();
  EncodeDecimals(values, out);
  const size_t planes = values.size() * sizeof(double);
  const size_t decimals = out->size() - begin;
  if (decimals <= std::min(runs, planes)) return ValueCodec::kDecimal;
  out->resize(begin);
  if (runs < planes) {
    EncodeRuns(values, out);
    return ValueCodec::kRuns;
  }
  EncodeXorPlanes(values, out);
  return ValueCodec::kXorPlanes;
}

void EncodeTimes(std::span<const int64_t> timestamps_ms, std::string* out) {
  EncodeIntegers(timestamps_ms, out);
}

}  // namespace varve::codec
