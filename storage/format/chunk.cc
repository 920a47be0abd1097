#include "storage/format/chunk.h"

#include <string>

#include "base/status_macros.h"
#include "storage/codec/gorilla.h"

namespace varve::format {
namespace {

// `decoded` are the chunk's own timestamps. They cost a pass, but a reader's merge relies on their
// order.
Status CheckTimes(const ChunkView& chunk, const int64_t* decoded) {
  const uint32_t count = chunk.sample_count;
  if (decoded[0] != chunk.min_time_ms || decoded[count - 1] != chunk.max_time_ms) {
    return DataLossError("chunk times " + std::to_string(decoded[0]) + " to " +
                         std::to_string(decoded[count - 1]) + " contradict its header, " +
                         std::to_string(chunk.min_time_ms) + " to " +
                         std::to_string(chunk.max_time_ms));
  }
  bool ascending = true;  // without a branch per sample
  for (uint32_t i = 1; i < count; ++i) ascending &= decoded[i - 1] < decoded[i];
  if (!ascending) return DataLossError("chunk times do not ascend strictly");
  return OkStatus();
}

}  // namespace

Status DecodeChunk(const ChunkView& chunk, std::vector<int64_t>* timestamps_ms,
                   std::vector<double>* values) {
  if (chunk.codec != ChunkCodec::kGorilla) {
    return UnimplementedError("chunk codec " + std::to_string(static_cast<int>(chunk.codec)) +
                              " is not known to this version");
  }
  if (chunk.sample_count == 0) return DataLossError("chunk without samples");
  const size_t time_begin = timestamps_ms->size();
  const size_t value_begin = values->size();
  Status status = codec::GorillaDecode(chunk.payload, chunk.sample_count, timestamps_ms, values);
  if (status.ok()) status = CheckTimes(chunk, timestamps_ms->data() + time_begin);
  if (!status.ok()) {
    timestamps_ms->resize(time_begin);
    values->resize(value_begin);
  }
  return status;
}

}  // namespace varve::format
