// Any bytes as a Gorilla chunk: two bytes of sample count, then the payload. What decodes must
// encode and decode again.
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "storage/codec/gorilla.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  if (size < 2) return 0;
  const uint32_t count = data[0] | uint32_t{data[1]} << 8;
  const std::string_view payload(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  const Status status = codec::GorillaDecode(payload, count, &timestamps, &values);
  VARVE_CHECK(timestamps.size() == values.size());
  VARVE_CHECK(status.ok() ? timestamps.size() == count : timestamps.size() < count);

  codec::GorillaState state;
  std::vector<uint8_t> encoded((timestamps.size() + 1) * codec::kGorillaAppendBytesMax);
  for (size_t i = 0; i < timestamps.size(); ++i) {
    codec::GorillaAppend(&state, encoded.data(), timestamps[i], values[i]);
  }
  std::vector<int64_t> timestamps_again;
  std::vector<double> values_again;
  const std::string_view bytes(reinterpret_cast<const char*>(encoded.data()), GorillaBytes(state));
  VARVE_CHECK(
      codec::GorillaDecode(bytes, state.sample_count, &timestamps_again, &values_again).ok());
  VARVE_CHECK(timestamps_again == timestamps);
  for (size_t i = 0; i < values.size(); ++i) {
    VARVE_CHECK(std::bit_cast<uint64_t>(values[i]) == std::bit_cast<uint64_t>(values_again[i]));
  }
  return 0;
}
