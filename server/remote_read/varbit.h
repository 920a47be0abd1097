// The variable-length codes of Prometheus' chunks
// (https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md).
#pragma once

#include <cstdint>

#include "server/remote_read/bit_writer.h"

namespace varve::server {

// Byte-wise varints within a bit stream: plain, and ZigZag for signed ones.
void WriteUvarint(uint64_t value, BitWriter* bits);
void WriteVarint(int64_t value, BitWriter* bits);

// A unary prefix that chooses a width, then so many bits; both kinds have the same widths.
void WriteVarbitInt(int64_t value, BitWriter* bits);
void WriteVarbitUint(uint64_t value, BitWriter* bits);

// One float after another of the same kind: what changed of its bits (Gorilla,
// https://www.vldb.org/pvldb/vol8/p1816-teller.pdf section 4.1.3).
class XorValue {
 public:
  // The first value, whole.
  void Start(double value, BitWriter* bits);
  // As above, but where something else has written it.
  void Assume(double value);
  void Write(double value, BitWriter* bits);

 private:
  uint64_t last_ = 0;
  unsigned leading_ = kNoWindow;  // zero bits of the window that is in force
  unsigned trailing_ = 0;
  static constexpr unsigned kNoWindow = 0xff;
};

}  // namespace varve::server
