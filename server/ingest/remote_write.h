// Remote write bodies to write batches: prometheus.WriteRequest (1.0) and
// io.prometheus.write.v2.Request (2.0).
//
// Pure functions over bytes: https://prometheus.io/docs/specs/prw/remote_write_spec and
// .../remote_write_spec_2_0. Fields that proto3 leaves out read as zero; unknown fields are stepped
// over; of a repeated scalar the last wins.
//
// Thread safety: none of the scratch is shared; one thread decodes with one RemoteWriteScratch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "server/ingest/staged_series.h"
#include "varve/status.h"
#include "varve/write_batch.h"

namespace varve::server {

// Uninitialised bytes that are kept from request to request.
class ByteBuffer {
 public:
  // At least `size` bytes; what was written before is lost when the buffer has to grow.
  char* Reserve(size_t size) {
    if (size > capacity_) {
      bytes_ = std::make_unique_for_overwrite<char[]>(size);
      capacity_ = size;
    }
    return bytes_.get();
  }
  char* data() { return bytes_.get(); }
  size_t capacity() const { return capacity_; }
  void Release() {
    bytes_.reset();
    capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
};

// What a body held besides what went into the batch.
struct RemoteWriteContent {
  uint64_t series_count = 0;
  StagedSeries::Refused refused_exemplars;
};

// Remembers which metadata was stored, because 2.0 repeats it with every series of every request.
// Membership is by 64-bit hash; at `kEntriesMax` it forgets everything, which costs a repetition
// and no data.
class MetadataFilter {
 public:
  // True when the caller should store it; Confirm or Forget must follow before the next request.
  bool IsNew(uint64_t hash);
  void Confirm();
  void Forget();

 private:
  static constexpr size_t kEntriesMax = 65536;
  std::unordered_set<uint64_t> stored_;
  std::unordered_set<uint64_t> pending_;
};

// Memory that one worker keeps between requests, so that a steady sender costs no allocation.
struct RemoteWriteScratch {
  struct Symbol {
    uint32_t offset = 0;  // into the body
    uint32_t size = 0;
  };

  ByteBuffer decompressed;
  WriteBatch batch;
  ByteBuffer label_bytes;  // of the series at hand, encoded as WriteBatch keeps them
  StagedSeries series;     // the one at hand
  std::vector<LabelView> exemplar_labels;
  std::vector<std::string_view> exemplar_symbols;  // 2.0
  std::vector<Symbol> symbols;                     // 2.0
  std::vector<uint32_t> refs;                      // 2.0: label references of the series at hand
  MetadataFilter metadata_filter;                  // 2.0

  void BeginMessage() {
    batch.Clear();
    series.BeginMessage();
  }
  // Gives back what an unusually large request left behind.
  void Trim(size_t retained_bytes_max);
};

// Both decoders clear scratch->batch and fill it from `body`, the decompressed message. They yield
// kInvalidArgument, naming the byte and what was expected, for anything that is not such a message,
// and kOutOfRange when the labels of a 2.0 body would expand to more than `label_bytes_max` bytes
// (its symbols are shared, so a small body can name gigabytes of labels). `body` is borrowed until
// return and smaller than 4 GiB.
Result<RemoteWriteContent> DecodeRemoteWriteV1(std::string_view body, RemoteWriteScratch* scratch);
Result<RemoteWriteContent> DecodeRemoteWriteV2(std::string_view body, size_t label_bytes_max,
                                               RemoteWriteScratch* scratch);

}  // namespace varve::server
