// The planner: pure functions from the catalog's state and the clock to the jobs that are due.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "compaction/retention_classes.h"
#include "storage/format/part_info.h"

namespace varve::compaction {

inline constexpr int64_t kPartitionMs = int64_t{2} * 3600 * 1000;
// No chunk of columns straddles a multiple of it.
inline constexpr int64_t kColumnPartitionMs = int64_t{24} * 3600 * 1000;

class DownsamplingRules;

struct PlannerOptions {
  int64_t retention_ms = 0;           // 0: for ever
  int64_t exemplar_retention_ms = 0;  // likewise
  int64_t trace_retention_ms = 0;     // likewise
  // Of parts of metrics, in place of retention_ms; borrowed. Null: all have retention_ms.
  const RetentionClasses* classes = nullptr;
  // Borrowed. Null: nothing is downsampled, and rollups are kept for ever.
  const DownsamplingRules* downsampling = nullptr;
  // Raw parts that stay whatever their age (HeldForDownsampling).
  std::set<uint64_t> held_parts = {};
  // The oldest parts go while all together are larger. 0: no limit.
  uint64_t part_bytes_max = 0;
  uint32_t parts_per_partition_max =
      4;  // more raw parts of a signal than this in one partition are merged
  // Merges of days and more do not make parts larger than this.
  uint64_t part_bytes_target = uint64_t{2} << 30;
  // No merge takes more bytes of spans: it holds all of them in memory, several times as large.
  uint64_t span_merge_bytes_max = uint64_t{128} << 20;
  // Parts that no merge may take, because they are damaged. They must still be among the parts
  // given to PlanMerge, like those that overlap them: a merge around a part it does not know of
  // would break the order of versions.
  std::set<uint64_t> unmergeable_parts;
};

// The aligned range [begin, end] (both ends included) that a sample belongs to when parts are
// `width_ms` wide; floor division, so that times before 1970 work too.
struct Partition {
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
  friend bool operator==(const Partition&, const Partition&) = default;
};
Partition PartitionOf(int64_t time_ms, int64_t width_ms);

// The aligned range (begin, end] that a rollup belongs to, as both ends included: buckets end where
// the day does.
Partition RollupPartitionOf(int64_t time_ms, int64_t width_ms);

// The width of the partitions a flush of [min_ms, max_ms] is cut into: 2 h, or the smallest of 1 d,
// 8 d, 64 d, ... that keeps the number of parts at or below eight.
int64_t FlushPartitionWidth(int64_t min_ms, int64_t max_ms);

// Parts to merge into one. They are neighbours in max_sequence order among the parts they overlap
// in time, so that "newer" stays a total order.
struct MergeJob {
  std::vector<uint64_t> part_ids;  // oldest first
};
// The most urgent merge due, if any.
std::optional<MergeJob> PlanMerge(std::span<const format::PartInfo> parts,
                                  const PlannerOptions& options);
// The next merge of a compaction that somebody asked for, whatever the age of its parts: within
// each partition of kFullMergeWidthMs all parts become one, and no part of metrics stays as a flush
// wrote it (level 0). A job may have one part, which is then written anew. Asked again and again
// with its results, it ends.
inline constexpr int64_t kFullMergeWidthMs = 8 * kColumnPartitionMs;
std::optional<MergeJob> PlanFullMerge(std::span<const format::PartInfo> parts,
                                      const PlannerOptions& options);
// A part of metrics of a stale retention class, to be split by the current ones before anything is
// merged: merges keep to one class, and must not pass by older or newer versions in another. Parts
// that no merge may take are not named.
std::optional<uint64_t> PlanSplit(std::span<const format::PartInfo> parts,
                                  const PlannerOptions& options);
// True when a stale part is left.
bool AnyStale(std::span<const format::PartInfo> parts, const PlannerOptions& options);

// Parts that go, with the reason. Age: the newest sample is out of retention. Size: see
// part_bytes_max; the newest part of all stays whatever its size.
enum class ExpiryReason : uint8_t { kAge, kSize };
struct ExpiredPart {
  uint64_t part_id = 0;
  ExpiryReason reason = ExpiryReason::kAge;
};
std::vector<ExpiredPart> PlanExpiry(std::span<const format::PartInfo> parts,
                                    const PlannerOptions& options, int64_t now_ms);
// The same without the reasons.
std::vector<uint64_t> PlanRetention(std::span<const format::PartInfo> parts,
                                    const PlannerOptions& options, int64_t now_ms);

}  // namespace varve::compaction
