// Any bytes as a value column and as a time column: data or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/codec/columns.h"

// The first byte is the codec, the next two the number of values.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t count = 1 + (data[1] | data[2] << 8) % 4096;
  const std::string_view payload(reinterpret_cast<const char*>(data + 3), size - 3);
  std::vector<double> values(count);
  static_cast<void>(varve::codec::DecodeValues(static_cast<varve::codec::ValueCodec>(data[0]),
                                               payload, count, values.data()));
  std::vector<int64_t> times(count);
  static_cast<void>(varve::codec::DecodeTimes(payload, count, times.data()));
  return 0;
}
