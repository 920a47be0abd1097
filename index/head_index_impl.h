// What a HeadIndex consists of; shared by its two source files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "index/head_index.h"
#include "index/id_table.h"
#include "index/pair_dictionary.h"
#include "index/series_slabs.h"

namespace varve::index {

class HeadIndex::Impl {
 public:
  // Growing one of many small tables never stalls an append for long.
  static constexpr size_t kShardCount = 64;

  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  IdTable& ShardOf(uint64_t hash) { return shards[hash % kShardCount]; }
  const IdTable& ShardOf(uint64_t hash) const { return shards[hash % kShardCount]; }

  bool HasLabels(SeriesId id, std::string_view labels) const;

  PairDictionary pairs;
  SeriesSlabs series;
  std::array<IdTable, kShardCount> shards;
  std::vector<PairId> scratch;  // the pairs of the series being inserted
};

}  // namespace varve::index
