// Integer column: a run of 64-bit integers as their differences (or the differences of these), told
// in whichever of three ways takes the fewest bytes. Everything is byte-aligned and the streams of
// a column lie apart, so that a general compressor behind it finds what neighbouring columns share;
// packing to the bit was measured to be larger after it (docs/decisions/0006).
// Layout: docs/FORMATS.md, "Integer column".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace varve::codec {

// Appends the column to `out`. REQUIRES: at least one value. All arithmetic wraps: any values do.
void EncodeIntegers(std::span<const int64_t> values, std::string* out);

// How the integers are told; the low three bits of a column's first byte.
enum class IntegerForm : uint8_t {  // on disk: never change a value
  kDeltas = 0,                      // varints
  kSparseDeltas = 1,                // of those that are not 0, gaps and varints
  kDeltaPlanes = 2,                 // bytes of equal weight together
  kDoubleDeltas = 4,                // the same of the differences of differences
  kSparseDoubleDeltas = 5,
  kDoubleDeltaPlanes = 6,
};

// A column's bytes, taken apart. Views into the bytes it was read from.
struct IntegerColumn {
  IntegerForm form = IntegerForm::kDeltas;
  uint32_t plane_count = 0;  // kDeltaPlanes, kDoubleDeltaPlanes: 1 to 8
  int64_t first = 0;
  std::string_view gaps;      // sparse forms
  std::string_view residues;  // varints, or plane_count planes of count - 1 bytes
};

// Takes the next column of `count` > 0 values off `in`. False when the bytes are none.
bool ReadIntegerColumn(ByteReader* in, size_t count, IntegerColumn* column);

namespace integer_column {

inline constexpr uint64_t kContinues = 0x8080808080808080;  // the top bit of every byte

inline const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

// Calls emit(i, value) for every value, or emit_run(begin, end, value) for runs of equal ones.
template <bool kDouble, typename Emit>
bool DecodeVarints(const IntegerColumn& column, size_t count, Emit&& emit) {
  const uint8_t* at = Data(column.residues);
  const uint8_t* const end = at + column.residues.size();
  auto value = static_cast<uint64_t>(column.first);
  uint64_t delta = 0;
  emit(0, column.first);
  const auto take = [&](size_t i, uint64_t residue) {
    const auto difference = static_cast<uint64_t>(ZigZagDecode(residue));
    delta = kDouble ? delta + difference : difference;
    value += delta;
    emit(i, static_cast<int64_t>(value));
  };
  for (size_t i = 1; i < count;) {
    // Most residues take one byte, and most of their neighbours too.
    uint64_t word = kContinues;
    if (end - at >= 8 && count - i >= 8) std::memcpy(&word, at, sizeof word);
    if ((word & kContinues) == 0) {
      for (size_t byte = 0; byte < 8; ++byte) take(i + byte, at[byte]);
      at += 8;
      i += 8;
      continue;
    }
    uint64_t residue = 0;
    at = DecodeVarint(at, end, &residue);
    if (at == nullptr) return false;
    take(i++, residue);
  }
  return at == end;
}

template <bool kDouble, unsigned kPlanes, typename Emit>
void DecodePlanes(const IntegerColumn& column, size_t count, Emit&& emit) {
  const uint8_t* const planes = Data(column.residues);
  auto value = static_cast<uint64_t>(column.first);
  uint64_t delta = 0;
  emit(0, column.first);
  for (size_t i = 1; i < count; ++i) {
    uint64_t residue = 0;
    for (unsigned plane = 0; plane < kPlanes; ++plane) {
      residue |= uint64_t{planes[plane * (count - 1) + i - 1]} << (8 * plane);
    }
    const auto difference = static_cast<uint64_t>(ZigZagDecode(residue));
    delta = kDouble ? delta + difference : difference;
    value += delta;
    emit(i, static_cast<int64_t>(value));
  }
}

template <bool kDouble, typename Emit>
bool DecodeAnyPlanes(const IntegerColumn& column, size_t count, Emit&& emit) {
  switch (column.plane_count) {
    case 1:
      return DecodePlanes<kDouble, 1>(column, count, emit), true;
    case 2:
      return DecodePlanes<kDouble, 2>(column, count, emit), true;
    case 3:
      return DecodePlanes<kDouble, 3>(column, count, emit), true;
    case 4:
      return DecodePlanes<kDouble, 4>(column, count, emit), true;
    case 5:
      return DecodePlanes<kDouble, 5>(column, count, emit), true;
    case 6:
      return DecodePlanes<kDouble, 6>(column, count, emit), true;
    case 7:
      return DecodePlanes<kDouble, 7>(column, count, emit), true;
    case 8:
      return DecodePlanes<kDouble, 8>(column, count, emit), true;
    default:
      return false;
  }
}

template <bool kDouble, typename Emit, typename EmitRun>
bool DecodeSparse(const IntegerColumn& column, size_t count, Emit&& emit, EmitRun&& emit_run) {
  ByteReader gaps(column.gaps);
  ByteReader residues(column.residues);
  auto value = static_cast<uint64_t>(column.first);
  uint64_t delta = 0;
  const auto advance = [&](size_t begin, size_t end) {  // no residue in between
    if (!kDouble || delta == 0) {
      emit_run(begin, end, static_cast<int64_t>(value));
      return;
    }
    for (size_t i = begin; i < end; ++i) emit(i, static_cast<int64_t>(value += delta));
  };
  emit(0, column.first);
  size_t next = 1;
  while (!gaps.done()) {
    const uint64_t gap = gaps.Varint();
    const auto difference = static_cast<uint64_t>(residues.SignedVarint());
    if (!gaps.ok() || !residues.ok() || gap >= count - next) return false;
    advance(next, next + gap);
    next += gap;
    delta = kDouble ? delta + difference : difference;
    value += delta;
    emit(next++, static_cast<int64_t>(value));
    if (!kDouble) delta = 0;
  }
  advance(next, count);
  return residues.done();
}

}  // namespace integer_column

// Calls emit(i, value) for i = 0 .. count - 1 in order, where a run of equal values may be told by
// one emit_run(begin, end, value), which may be empty. False when the bytes are no column of
// `count` values; what was emitted then means nothing.
template <typename Emit, typename EmitRun>
bool DecodeIntegers(const IntegerColumn& column, size_t count, Emit&& emit, EmitRun&& emit_run) {
  using namespace integer_column;
  switch (column.form) {
    case IntegerForm::kDeltas:
      return DecodeVarints<false>(column, count, emit);
    case IntegerForm::kDoubleDeltas:
      return DecodeVarints<true>(column, count, emit);
    case IntegerForm::kSparseDeltas:
      return DecodeSparse<false>(column, count, emit, emit_run);
    case IntegerForm::kSparseDoubleDeltas:
      return DecodeSparse<true>(column, count, emit, emit_run);
    case IntegerForm::kDeltaPlanes:
      return DecodeAnyPlanes<false>(column, count, emit);
    case IntegerForm::kDoubleDeltaPlanes:
      return DecodeAnyPlanes<true>(column, count, emit);
  }
  return false;
}

}  // namespace varve::codec
