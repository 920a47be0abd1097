#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/varint.h"
#include "storage/codec/gorilla.h"
#include "storage/codec/gorilla_bits.h"

namespace varve::codec {
namespace {

using namespace gorilla;  // the bit layout, shared with the encoder

constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;
// No sample's reads go further than this beyond the byte where it begins.
constexpr size_t kReadAheadBytes = 32;

// Where a decoder stands between two samples, and where it writes.
struct Cursor {
  uint64_t bit = 0;
  uint64_t timestamp = 0;  // unsigned: deltas wrap
  int64_t expected_delta = 0;
  uint64_t value_bits = 0;  // of the last sample that was no stale marker
  unsigned trailing_zeros = 0;
  unsigned significant_bits = 0;
  uint32_t done = 0;
  int64_t* timestamps_ms;
  double* values;

  void Emit(uint64_t bits) {
    timestamps_ms[done] = static_cast<int64_t>(timestamp);
    values[done] = std::bit_cast<double>(bits);
    ++done;
  }
};

// Reads an XOR block into `value_bits` and returns the bits of the sample's value; *valid turns
// false for a window that does not fit in 64 bits.
inline uint64_t ReadXor(const uint8_t* data, Cursor* c, bool* valid) {
  const uint64_t word = LoadBits(data, c->bit);
  if ((word & 1) == 0) {
    c->bit += 1;
  } else {
    const unsigned leading = 2 * ((word >> 1) & ((1u << kLeadingBits) - 1));
    const unsigned significant =
        1 + ((word >> (1 + kLeadingBits)) & ((1u << kSignificantBits) - 1));
    c->bit += kWindowHeaderBits;
    if (leading + significant > 64) {
      *valid = LowBits(word, kWindowHeaderBits) == kStaleHeader;
      return kStaleMarkerBits;
    }
    c->significant_bits = significant;
    c->trailing_zeros = 64 - leading - significant;
  }
  c->value_bits ^= ReadBits(data, c->bit, c->significant_bits) << c->trailing_zeros;
  c->bit += c->significant_bits;
  return c->value_bits;
}

// Reads one sample that begins with `prefix` ones, two or more. False when its bits mean nothing.
inline bool ReadLate(const uint8_t* data, unsigned prefix, Cursor* c) {
  c->bit += kPrefixBits[prefix];
  const unsigned delta_bits = kDeltaBits[prefix];
  const uint64_t zigzag = ReadBits(data, c->bit, delta_bits);
  c->bit += delta_bits;
  const uint64_t delta =
      static_cast<uint64_t>(c->expected_delta) + static_cast<uint64_t>(ZigZagDecode(zigzag));
  c->timestamp += delta;
  c->expected_delta =
      c->done == 0 ? 0 : NextExpectedDelta(c->expected_delta, static_cast<int64_t>(delta));
  if (prefix == kStale) {
    c->Emit(kStaleMarkerBits);
    return true;
  }
  const bool has_xor = (LoadBits(data, c->bit) & 1) != 0;
  c->bit += 1;
  bool valid = true;
  c->Emit(has_xor ? ReadXor(data, c, &valid) : c->value_bits);
  return valid;
}

// Decodes samples until `sample_count` are done or the next would begin at or after `stop_bit`;
// false when the last sample's bits mean nothing. At most that sample reaches beyond `stop_bit`.
// REQUIRES: stop_bit / 8 + kReadAheadBytes readable bytes.
bool DecodeUntil(const uint8_t* data, uint64_t stop_bit, uint32_t sample_count, Cursor* cursor) {
  Cursor c = *cursor;  // in registers: the columns might alias a cursor in memory
  // The interval that follows one that was on time: settles at once, for the grid is a fixed point.
  int64_t settled = NextExpectedDelta(c.expected_delta, c.expected_delta);
  bool valid = true;
  while (valid && c.done < sample_count && c.bit < stop_bit) {
    const uint64_t word = LoadBits(data, c.bit);
    const auto prefix = static_cast<unsigned>(std::countr_one(word));
    if (prefix == kUnchanged) {
      // A run of zero bits is a run of samples; long runs are the commonest case of all.
      const auto zeros = static_cast<unsigned>(std::countr_zero(word | uint64_t{1} << 56));
      const auto run = static_cast<uint32_t>(
          std::min({uint64_t{zeros}, uint64_t{sample_count - c.done}, stop_bit - c.bit}));
      c.bit += run;
      for (uint32_t i = 0; i < run; ++i) {
        c.timestamp += static_cast<uint64_t>(c.expected_delta);
        c.expected_delta = settled;
        c.Emit(c.value_bits);
      }
    } else if (prefix == kOnTime) {
      c.bit += kPrefixBits[kOnTime];
      c.timestamp += static_cast<uint64_t>(c.expected_delta);
      c.expected_delta = settled;
      c.Emit(ReadXor(data, &c, &valid));
    } else {
      valid = ReadLate(data, std::min<unsigned>(prefix, kDelta64), &c);
      settled = NextExpectedDelta(c.expected_delta, c.expected_delta);
    }
  }
  *cursor = c;
  return valid;
}

// Decodes into the cursor's columns, which have room for `sample_count`.
Status DecodePayload(std::string_view payload, uint32_t sample_count, Cursor* cursor) {
  const auto* data = reinterpret_cast<const uint8_t*>(payload.data());
  bool valid = true;
  if (payload.size() > kReadAheadBytes) {
    valid = DecodeUntil(data, 8 * (payload.size() - kReadAheadBytes), sample_count, cursor);
  }
  if (valid && cursor->done < sample_count) {
    // The last bytes, followed by zeros, so that words can be read across the end.
    uint8_t tail[2 * kReadAheadBytes + sizeof(uint64_t)] = {};
    const size_t begin = cursor->bit >> 3;
    const size_t tail_bytes = payload.size() - begin;
    if (tail_bytes != 0) std::memcpy(tail, data + begin, tail_bytes);
    cursor->bit &= 7;
    valid = DecodeUntil(tail, 8 * tail_bytes, sample_count, cursor);
    if (valid && cursor->bit > 8 * tail_bytes) --cursor->done;
  }
  if (!valid) {
    --cursor->done;
    return DataLossError("gorilla chunk: sample " + std::to_string(cursor->done) +
                         " has a value window beyond 64 bits");
  }
  if (cursor->done < sample_count) {
    return DataLossError("gorilla chunk: " + std::to_string(payload.size()) + " bytes end after " +
                         std::to_string(cursor->done) + " of " + std::to_string(sample_count) +
                         " samples");
  }
  return OkStatus();
}

}  // namespace

Status GorillaDecode(std::string_view payload, uint32_t sample_count,
                     std::vector<int64_t>* timestamps_ms, std::vector<double>* values) {
  // A sample takes a bit at least, which bounds what a damaged count can make us allocate.
  if (sample_count / 8 > payload.size()) {
    return DataLossError("gorilla chunk: " + std::to_string(payload.size()) +
                         " bytes cannot hold " + std::to_string(sample_count) + " samples");
  }
  const size_t begin_time = timestamps_ms->size();
  const size_t begin_value = values->size();
  timestamps_ms->resize(begin_time + sample_count);
  values->resize(begin_value + sample_count);
  Cursor cursor;
  cursor.timestamps_ms = timestamps_ms->data() + begin_time;
  cursor.values = values->data() + begin_value;
  Status status = DecodePayload(payload, sample_count, &cursor);
  timestamps_ms->resize(begin_time + cursor.done);
  values->resize(begin_value + cursor.done);
  return status;
}

}  // namespace varve::codec
