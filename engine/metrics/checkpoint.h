// Checkpoint files: series and sealed chunks of the head since the previous checkpoint, so that
// recovery adopts them without decoding and the journal before them can go. Layout:
// docs/FORMATS.md, "Checkpoint".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/metrics/head.h"
#include "storage/file_system.h"
#include "varve/status.h"

namespace varve::engine {

// What recovery starts from; kept in the store's state under kManifestKey, replaced with each
// checkpoint and flush.
struct HeadManifest {
  uint64_t sequence = 0;          // every record up to it is in a part or in one of `files`
  uint64_t flushed_sequence = 0;  // every record up to it is in a part
  uint64_t first_segment = 1;     // of the journal that still matters
  uint64_t next_series_id = 0;
  uint64_t next_file = 1;          // number of the next checkpoint file
  std::vector<std::string> files;  // oldest first
};
inline constexpr std::string_view kManifestKey = "head";

std::string EncodeHeadManifest(const HeadManifest& manifest);
// Error: kDataLoss.
Result<HeadManifest> DecodeHeadManifest(std::string_view bytes);

std::string CheckpointFileName(uint64_t number);

// Writes one file and makes it durable. Series: `new_series`, whose labels and hashes are read from
// the head. Samples: of every frozen series the chunks that still own their memory.
// `payload_offsets` receives, frozen series by frozen series and oldest chunk first, where each
// payload was put.
Status WriteCheckpoint(FileSystem* file_system, const std::string& path, uint64_t database_id,
                       Head* head, std::span<const index::SeriesId> new_series,
                       std::span<const FrozenSeries> frozen,
                       std::vector<uint64_t>* payload_offsets);

// The chunks of a frozen series that a checkpoint has to write, oldest first; sets `*kept` to the
// first one it need not.
void UnwrittenChunks(const FrozenSeries& frozen, std::vector<SealedChunk*>* chunks,
                     SealedChunk** kept);

// A checkpoint file being adopted; payloads stay in its mapping, which must outlive the head.
struct LoadedCheckpoint {
  std::shared_ptr<const RandomAccessFile> file;  // null when it could not be opened
  uint64_t damaged_chunks = 0;                   // dropped, because their bytes fail the checksum
};
// Restores the file's series and chunks into `head`. Error: kDataLoss when the file as a whole
// cannot be understood (some of it may have been restored); damaged payloads alone are counted.
// After an error `loaded->file` must be kept as well.
Status LoadCheckpoint(FileSystem* file_system, const std::string& path, uint64_t database_id,
                      Head* head, LoadedCheckpoint* loaded);
// The same of a file's bytes, which must outlive the head; `path` is for messages.
Status RestoreCheckpoint(const std::string& path, std::string_view bytes, uint64_t database_id,
                         Head* head, uint64_t* damaged_chunks);

}  // namespace varve::engine
