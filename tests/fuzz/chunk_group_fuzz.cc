// Any bytes as a chunk group, as they are and with a checksum that fits, so that what is behind it
// is reached too.
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "storage/format/chunk_group.h"

namespace varve {
namespace {

// Timestamps for chunks of columns, which bring none.
const std::vector<int64_t> kTimes = [] {
  std::vector<int64_t> times(5000);
  std::iota(times.begin(), times.end(), 0);
  return times;
}();

void ParseAndEncodeAgain(std::string_view bytes) {
  const auto group = format::ChunkGroup::Parse(bytes);
  if (!group.ok()) return;
  std::vector<std::vector<format::ChunkView>> series;
  for (uint32_t i = 0; i < group->series_count(); ++i) {
    series.emplace_back(group->chunks(i).begin(), group->chunks(i).end());
    for (const format::ChunkView& chunk : series.back()) {
      format::SampleColumns samples;
      format::ChunkView whole = chunk;
      if (chunk.codec == format::ChunkCodec::kColumns && chunk.sample_count <= kTimes.size()) {
        whole.timestamps_ms = kTimes.data();
        whole.min_time_ms = 0;
        whole.max_time_ms = chunk.sample_count - 1;
      }
      const Status status = format::DecodeChunk(whole, &samples);
      VARVE_CHECK(samples.size() == (status.ok() ? chunk.sample_count : 0));
      VARVE_CHECK(samples.values.size() == samples.timestamps_ms.size());
      VARVE_CHECK(samples.histograms.size() == samples.histogram_timestamps_ms.size());
    }
  }
  std::string encoded;
  format::EncodeChunkGroup(series, &encoded);
  const auto again = format::ChunkGroup::Parse(encoded);
  VARVE_CHECK(again.ok() && again->series_count() == series.size());
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::ParseAndEncodeAgain(bytes);
  std::string sealed(bytes.substr(0, size < 8 ? 0 : size - 8));
  varve::AppendFixed(&sealed, varve::Hash64(sealed));
  varve::ParseAndEncodeAgain(sealed);
  return 0;
}
