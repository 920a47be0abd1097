// Time columns: the timestamps of a part's chunks, each distinct run of them once. Series that are
// scraped together share them. Layout: docs/FORMATS.md, "Time columns".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

using TimeColumn = std::vector<int64_t>;

// Numbers the columns of one part in order of first use. Memory: their encoded bytes. Thread
// safety: none.
class TimeColumnWriter {
 public:
  // The number of the column, which is that of an equal one if there was any.
  // REQUIRES: 1 to format::kColumnSamplesMax timestamps.
  Result<uint32_t> Add(std::span<const int64_t> timestamps_ms);
  // Writes all of them. To be called once.
  Status Finish(kv::PartWriter* writer);

 private:
  struct Place {
    uint64_t offset = 0;  // into encoded_
    uint32_t bytes = 0;
    uint32_t sample_count = 0;
  };
  std::string_view Encoded(uint32_t number) const {
    return std::string_view(encoded_).substr(places_[number].offset, places_[number].bytes);
  }

  std::string encoded_;
  std::vector<Place> places_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;  // of the timestamps
  std::string scratch_;
};

// Looks columns up by number and keeps some of them decoded. Thread safety: any thread.
class TimeColumnReader {
 public:
  // `part` is borrowed.
  explicit TimeColumnReader(const kv::Part* part) : part_(part) {}
  // Error: kDataLoss names what is damaged.
  Result<std::shared_ptr<const TimeColumn>> Get(uint32_t number) const EXCLUDES(mutex_);

 private:
  // Decoded timestamps that are kept, in bytes; the cache starts anew when they are more.
  static constexpr size_t kCacheBytesMax = size_t{4} << 20;

  Result<std::shared_ptr<const TimeColumn>> Load(uint32_t number) const;

  const kv::Part* const part_;
  mutable Mutex mutex_;
  mutable std::unordered_map<uint32_t, std::shared_ptr<const TimeColumn>> cache_ GUARDED_BY(mutex_);
  mutable size_t cache_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace varve::compaction
