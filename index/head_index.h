// HeadIndex: the series in memory by labels, and postings of their label pairs.
//
// A label pair (name and value as they stand in canonical label bytes) is stored once; a series is
// the list of its pairs' numbers, 4 bytes each. Looking a series up compares its pairs' bytes, so
// equal hashes are never believed.
//
// Views and spans that it returns live until the next call of a method that is not const.
// Thread safety: const methods may run concurrently with each other, not with the others; the owner
// holds the lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/matcher.h"
#include "varve/status.h"

namespace varve::index {

using SeriesId =
    uint32_t;  // chosen by the owner, dense and ascending; ids of removed series are not reused
using PairId = uint32_t;
inline constexpr SeriesId kNoSeriesId = UINT32_MAX;

struct LabelCount {
  std::string name;
  uint64_t value = 0;
  friend bool operator==(const LabelCount&, const LabelCount&) = default;
};

class HeadIndex {
 public:
  HeadIndex();
  ~HeadIndex();

  // ids[i] = the series with canonical bytes labels[i], or kNoSeriesId; hashes[i] receives their
  // hash, to be passed to Insert. Prefetches in batches: give it many at once. Bytes that are not
  // canonical are simply not found.
  void Lookup(std::span<const std::string_view> labels, std::span<SeriesId> ids,
              std::span<uint64_t> hashes) const;

  // REQUIRES: `labels` canonical and absent; `hash` as Lookup gave it; `id` above every id inserted
  // before.
  void Insert(SeriesId id, std::string_view labels, uint64_t hash);
  // For recovery: a dictionary of pairs once, then series as lists of them. REQUIRES as Insert;
  // pairs in label order.
  PairId InternPair(std::string_view pair);
  void InsertPairs(SeriesId id, std::span<const PairId> pairs, uint64_t hash);
  // Removes series; a pair without series goes too (its number may be reused).
  void Remove(std::span<const SeriesId> ids);

  bool Contains(SeriesId id) const;
  size_t series_count() const;
  size_t pair_count() const;
  size_t memory_bytes() const;  // estimate of everything held
  uint64_t Hash(SeriesId id) const;
  std::span<const PairId> SeriesPairs(SeriesId id) const;  // in label order; REQUIRES: Contains(id)
  std::string_view PairBytes(PairId pair) const;
  void AppendLabels(SeriesId id, std::string* out) const;  // canonical bytes

  // Ids of the series that satisfy all matchers, ascending. Equality first in order of size,
  // regular expressions last and only over the values that survive.
  std::vector<SeriesId> Match(std::span<const LabelMatcher> matchers) const;
  bool Matches(SeriesId id, std::span<const LabelMatcher> matchers) const;

  // Over all series, or over `ids` (ascending) where given. Sorted, distinct.
  std::vector<std::string> LabelNames() const;
  std::vector<std::string> LabelValues(std::string_view name) const;
  std::vector<std::string> LabelNames(std::span<const SeriesId> ids) const;
  std::vector<std::string> LabelValues(std::string_view name, std::span<const SeriesId> ids) const;

  // The `limit` largest, descending, ties by name.
  std::vector<LabelCount> SeriesByMetricName(size_t limit) const;
  std::vector<LabelCount> ValuesByLabelName(size_t limit) const;
  std::vector<LabelCount> BytesByLabelName(size_t limit) const;
  std::vector<LabelCount> SeriesByPair(size_t limit) const;  // "name=value"

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve::index
