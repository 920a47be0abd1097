// Columns: the values, and the timestamps, of a run of samples, as parts keep them at rest. A table
// of codecs of which the smallest is taken; every one is lossless to the bit, NaN payloads and -0.0
// included. Pure functions over bytes, byte-aligned: a general compressor goes over them later.
// Layout: docs/FORMATS.md, "Value column", "Time column".
//
// Most metrics are decimal fractions: v = d / 10^e for an integer d. Doubles that were summed up or
// multiplied by 0.01 miss that by a few units in the last place, and these few are a column of
// small integers of their own ("corrections"), where XOR coders pay for a whole mantissa. The
// search for the decimal exponent follows ALP (Afroozeh, Kuffo, Boncz: "ALP: Adaptive Lossless
// floating-Point Compression", SIGMOD 2024): a sample of the column nominates exponents, the whole
// column decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::codec {

enum class ValueCodec : uint8_t {  // on disk: never change a value
  kConstant = 1,                   // one value
  kRuns = 2,                       // runs of equal bits
  kDecimal = 3,                    // integers over a power of ten, corrections, exceptions
  kXorPlanes = 4,                  // XOR with the value before, bytes of equal weight together
};
std::string_view ValueCodecName(ValueCodec codec);

// Encodes `values` by the codec that takes the fewest bytes, appends them to `out` and returns
// which it was. REQUIRES: at least one value.
ValueCodec EncodeValues(std::span<const double> values, std::string* out);

// Decodes exactly `count` > 0 values into `out`, which has room for them. Time and memory are
// bounded by `count` and the payload's size. Error: kDataLoss for bytes that are no such column, or
// a codec that is none; `out` then holds anything.
Status DecodeValues(ValueCodec codec, std::string_view payload, size_t count, double* out);

// The same for timestamps. Any order and values; small when they ascend evenly.
void EncodeTimes(std::span<const int64_t> timestamps_ms, std::string* out);
Status DecodeTimes(std::string_view payload, size_t count, int64_t* out);

}  // namespace varve::codec
