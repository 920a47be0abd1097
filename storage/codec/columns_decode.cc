#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "storage/codec/columns.h"
#include "storage/codec/decimal.h"
#include "storage/codec/integer_column.h"

namespace varve::codec {
namespace {

Status Damaged(const char* what) { return DataLossError(std::string("value column: ") + what); }

Status DecodeConstant(std::string_view payload, size_t count, double* out) {
  ByteReader in(payload);
  const auto exponent = in.Fixed<uint8_t>();
  double value = 0;
  if (exponent == kRawConstant) {
    value = in.Fixed<double>();
  } else if (exponent < kPowersOfTen.size()) {
    value = FromDecimal(in.SignedVarint(), exponent);
  } else {
    return Damaged("a constant's exponent is out of range");
  }
  if (!in.ok() || !in.done()) return Damaged("a constant has the wrong size");
  std::fill_n(out, count, value);
  return OkStatus();
}

Status DecodeRuns(std::string_view payload, size_t count, double* out) {
  ByteReader lengths(payload);
  std::vector<uint64_t> runs;
  for (size_t done = 0; done < count;) {
    const uint64_t run = lengths.Varint();
    if (!lengths.ok() || run >= count - done) return Damaged("runs do not add up");
    runs.push_back(run + 1);
    done += run + 1;
  }
  if (lengths.remaining() != runs.size() * sizeof(double)) {
    return Damaged("runs have the wrong size");
  }
  for (const uint64_t run : runs) {
    const auto value = lengths.Fixed<double>();
    out = std::fill_n(out, run, value);
  }
  return OkStatus();
}

bool DecodeWholeNumbers(const IntegerColumn& column, size_t count, double* out) {
  return DecodeIntegers(
      column, count, [out](size_t i, int64_t integer) { out[i] = static_cast<double>(integer); },
      [out](size_t begin, size_t end, int64_t integer) {
        std::fill(out + begin, out + end, static_cast<double>(integer));
      });
}

bool DecodeFractions(const IntegerColumn& column, unsigned exponent, size_t count, double* out) {
  return DecodeIntegers(
      column, count, [=](size_t i, int64_t integer) { out[i] = FromDecimal(integer, exponent); },
      [=](size_t begin, size_t end, int64_t integer) {
        std::fill(out + begin, out + end, FromDecimal(integer, exponent));
      });
}

bool ApplyCorrections(const IntegerColumn& column, size_t count, double* out) {
  const auto correct = [out](size_t i, int64_t correction) {
    out[i] =
        std::bit_cast<double>(std::bit_cast<uint64_t>(out[i]) + static_cast<uint64_t>(correction));
  };
  return DecodeIntegers(column, count, correct, [&](size_t begin, size_t end, int64_t correction) {
    for (size_t i = begin; i < end; ++i) correct(i, correction);
  });
}

Status ApplyExceptions(ByteReader* in, size_t count, double* out) {
  const uint64_t exceptions = in->Varint();
  if (!in->ok() || exceptions > count) return Damaged("too many exceptions");
  std::vector<size_t> places;
  size_t next = 0;
  for (uint64_t i = 0; i < exceptions; ++i) {
    const uint64_t gap = in->Varint();
    if (!in->ok() || gap >= count - next) return Damaged("an exception lies behind the end");
    places.push_back(next + gap);
    next = places.back() + 1;
  }
  for (const size_t place : places) out[place] = in->Fixed<double>();
  return OkStatus();
}

Status DecodeDecimals(std::string_view payload, size_t count, double* out) {
  ByteReader in(payload);
  const auto head = in.Fixed<uint8_t>();
  const unsigned exponent = head & kExponentMask;
  if (!in.ok() || exponent >= kPowersOfTen.size() || (head & 0x80) != 0) {
    return Damaged("an exponent is out of range");
  }
  IntegerColumn column;
  const bool decoded = ReadIntegerColumn(&in, count, &column) &&
                       (exponent == 0 ? DecodeWholeNumbers(column, count, out)
                                      : DecodeFractions(column, exponent, count, out));
  if (!decoded) return Damaged("its integers are no column");
  if ((head & kHasCorrections) != 0 &&
      !(ReadIntegerColumn(&in, count, &column) && ApplyCorrections(column, count, out))) {
    return Damaged("its corrections are no column");
  }
  if ((head & kHasExceptions) != 0) RETURN_IF_ERROR(ApplyExceptions(&in, count, out));
  if (!in.ok() || !in.done()) return Damaged("has the wrong size");
  return OkStatus();
}

Status DecodeXorPlanes(std::string_view payload, size_t count, double* out) {
  if (payload.size() / sizeof(double) != count || payload.size() % sizeof(double) != 0) {
    return Damaged("planes have the wrong size");
  }
  const auto* const planes = reinterpret_cast<const uint8_t*>(payload.data());
  uint64_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    uint64_t difference = 0;
    for (size_t plane = 0; plane < sizeof(double); ++plane) {
      difference = difference << 8 | planes[plane * count + i];
    }
    last ^= difference;
    out[i] = std::bit_cast<double>(last);
  }
  return OkStatus();
}

}  // namespace

std::string_view ValueCodecName(ValueCodec codec) {
  switch (codec) {
    case ValueCodec::kConstant:
      return "constant";
    case ValueCodec::kRuns:
      return "runs";
    case ValueCodec::kDecimal:
      return "decimal";
    case ValueCodec::kXorPlanes:
      return "xor_planes";
  }
  return "unknown";
}

Status DecodeValues(ValueCodec codec, std::string_view payload, size_t count, double* out) {
  if (count == 0) return Damaged("without values");
  switch (codec) {
    case ValueCodec::kConstant:
      return DecodeConstant(payload, count, out);
    case ValueCodec::kRuns:
      return DecodeRuns(payload, count, out);
    case ValueCodec::kDecimal:
      return DecodeDecimals(payload, count, out);
    case ValueCodec::kXorPlanes:
      return DecodeXorPlanes(payload, count, out);
  }
  return DataLossError("value codec " + std::to_string(static_cast<int>(codec)) + " is none");
}

Status DecodeTimes(std::string_view payload, size_t count, int64_t* out) {
  ByteReader in(payload);
  IntegerColumn column;
  const bool decoded = count > 0 && ReadIntegerColumn(&in, count, &column) &&
                       DecodeIntegers(
                           column, count, [out](size_t i, int64_t time) { out[i] = time; },
                           [out](size_t begin, size_t end, int64_t time) {
                             std::fill(out + begin, out + end, time);
                           });
  if (!decoded || !in.done()) return DataLossError("time column: its bytes are none");
  return OkStatus();
}

}  // namespace varve::codec
