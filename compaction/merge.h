// Merging parts, and the merge of chunks that flushes and readers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/format/chunk.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

// Merges the chunks of ONE series from several sources into columns: strictly ascending times
// within [min_ms, max_ms]; of samples with one timestamp the one of the last source (sources are
// given oldest first) wins, whatever its kind. Chunks within one source may overlap too; there
// later chunks win. Appends to the columns. Fast when nothing overlaps (chunks are then decoded
// straight into place). Error: kDataLoss.
// Hints of histograms are resolved where asked and nothing overlaps: where chunks do, the sample
// before one in its chunk need not be the one before it in the series.
Status MergeChunks(std::span<const std::span<const format::ChunkView>> sources, int64_t min_ms,
                   int64_t max_ms, format::SampleColumns* out,
                   codec::HistogramHints hints = codec::HistogramHints::kAsWritten);

// Encodes columns as chunks of at most kChunkSamplesMax samples, each of one kind, none straddling
// a multiple of kPartitionMs. Chunks of histograms are also limited in bytes. Appends to `out`.
inline constexpr uint32_t kChunkSamplesMax = 240;
// How floats without start times are encoded. kColumns: longer chunks, cut at multiples of a day
// only.
enum class ChunkForm : uint8_t { kGorilla, kColumns };
inline constexpr uint32_t kColumnChunkSamplesMax = 2048;
struct EncodedChunks {
  std::vector<format::ChunkView> chunks;  // payloads point into `payloads`
  std::vector<std::unique_ptr<char[]>> payloads;
  std::vector<std::unique_ptr<int64_t[]>> timestamps;  // of columns
  void Clear() {
    chunks.clear();
    payloads.clear();
    timestamps.clear();
  }
};
void EncodeChunks(const format::SampleColumns& samples, EncodedChunks* out,
                  ChunkForm form = ChunkForm::kGorilla);

// Merges whole parts (oldest first; one is enough) into one new part, ingested but not committed:
// series by labels, floats as columns. Chunks that are columns already, overlap nothing and are not
// small are copied as they are, and so are full ones of histograms and of floats with start times.
// Memory: one chunk group per part. Error: kDataLoss names the part that is damaged; nothing was
// changed then.
Result<format::PartInfo> MergeParts(kv::Store* store,
                                    std::span<const std::shared_ptr<const kv::Part>> parts);
// The same without the samples that hidden[i] hides of parts[i]. Empty when nothing is left: then
// no part was written. Once *cancelled (may be null) is true it ends with kCancelled, and nothing
// is left of it.
class HiddenSamples;
Result<std::optional<format::PartInfo>> MergeVisible(
    kv::Store* store, std::span<const std::shared_ptr<const kv::Part>> parts,
    std::span<const HiddenSamples> hidden, const std::atomic<bool>* cancelled = nullptr);

}  // namespace varve::compaction
