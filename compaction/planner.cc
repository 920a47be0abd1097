// What is merged with what, and why "newer" stays a total order.
//
// Of two samples with one timestamp the one in the newer part wins, and newer means: larger
// max_sequence. A merged part takes the union of its inputs' sequence ranges, so its samples all
// become as new as its newest input. That is harmless exactly when no part outside the merge lies
// between them. Hence the invariant that every plan keeps:
//
//   A merge takes ALL parts that touch the time range its result will have and whose max_sequence
//   lies between the smallest and the largest max_sequence it takes, both included. (A "closed"
//   set.)
//
// Then a part outside a merge that shares time with its result is older than every input or newer
// than every input, and stays so; and two parts that share time never have equal max_sequence.
// (Parts of one flush have equal ones, but disjoint partitions. Were a merge to take one of them
// together with an older, wider part that reaches into another's partition, closure takes that one
// too.) Parts of different width may overlap: nothing here depends on alignment.
//
// Two reasons to merge, in this order:
//   1. A partition (kPartitionMs) that more parts touch than parts_per_partition_max. Of its parts
//   in sequence order, the
//      run is merged whose closure costs the fewest bytes rewritten per part that vanishes: small
//      neighbours of similar size, so that n flushes into one partition rewrite each byte O(log n)
//      times, not O(n).
//   2. A day, then eight days, that newer data has left behind: its parts become one, unless one of
//   them already holds most of its bytes (then a late sample would rewrite the day) or the result
//   would be larger than part_bytes_target. A part that is alone there is written anew once, for a
//   merge stores samples in fewer bytes than a flush.
//
// Termination: a merge takes at least two parts and leaves one, or turns a part of level 0 into one
// of level 1. Boundedness: a partition over the
// limit always yields a merge (all of its parts, closed, are one). A merge for reason 1 puts no
// part where none was: its inputs touch one partition or, by closure, one another, so the result
// covers the partitions that its inputs cover.
#include "compaction/planner.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <tuple>

#include "base/check.h"
#include "compaction/downsampling.h"

namespace varve::compaction {
namespace {

using format::PartInfo;

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr size_t kFlushPartsMax = 8;
// A day of rollups is small: their parts grow on.
constexpr int64_t kRollupMergeWidthMs = 64 * kDayMs;
// A day is left behind when samples exist this long after its end; later ones are late data.
constexpr int64_t kDaySettledMs = 2 * kPartitionMs;
static_assert(kDayMs % kPartitionMs == 0);

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

uint64_t Bytes(const PartInfo& part) { return 1 + part.bytes(); }  // a merge is never free

bool Touches(const PartInfo& part, int64_t min_ms, int64_t max_ms) {
  return part.min_time_ms <= max_ms && part.max_time_ms >= min_ms;
}

// Parts that may merge with each other: one signal, tier, resolution and retention class.
using Kind = std::tuple<format::Signal, format::Tier, int64_t, uint16_t>;
Kind KindOf(const PartInfo& part) {
  return {part.signal, part.tier, part.resolution_ms, part.retention_class};
}

// Parts of one kind in sequence order, oldest first.
using Parts = std::vector<const PartInfo*>;

bool IsMergeable(const PartInfo& part) { return part.signal != format::Signal::kLogs; }

// The last bucket of a day ends with the next day's first millisecond: moved by one, parts of
// rollups lie within partitions as those of samples do.
std::vector<PartInfo> Aligned(std::span<const PartInfo> parts) {
  std::vector<PartInfo> aligned(parts.begin(), parts.end());
  for (PartInfo& part : aligned) {
    if (part.tier != format::Tier::kRollup) continue;
    --part.min_time_ms;
    --part.max_time_ms;
  }
  return aligned;
}

std::vector<Parts> ByKind(std::span<const PartInfo> parts) {
  Parts all;
  for (const PartInfo& part : parts) {
    if (IsMergeable(part)) all.push_back(&part);
  }
  std::sort(all.begin(), all.end(), [](const PartInfo* a, const PartInfo* b) {
    return std::tuple(KindOf(*a), a->max_sequence, a->min_time_ms, a->part_id) <
           std::tuple(KindOf(*b), b->max_sequence, b->min_time_ms, b->part_id);
  });
  std::vector<Parts> kinds;
  for (const PartInfo* part : all) {
    if (kinds.empty() || KindOf(*kinds.back().front()) != KindOf(*part)) kinds.emplace_back();
    kinds.back().push_back(part);
  }
  return kinds;
}

// A set of parts with what its merge costs and gains.
struct Candidate {
  Parts parts;
  uint64_t bytes = 0;

  // Fewer bytes for the square of the number of parts that vanish; of equals the one that rids us
  // of more parts. The plain ratio merges pairs too eagerly: with a limit of 4, it rewrites a byte
  // 18 times in 512 equal flushes where the square does with 8 (the optimum, k-binomial merging,
  // has about 7).
  bool CheaperThan(const Candidate& other) const {
    const auto weight = [](const Candidate& candidate) {
      const auto vanish = static_cast<unsigned __int128>(candidate.parts.size() - 1);
      return vanish * vanish;
    };
    const unsigned __int128 cost = bytes * weight(other);
    const unsigned __int128 other_cost = other.bytes * weight(*this);
    return cost != other_cost ? cost < other_cost : parts.size() > other.parts.size();
  }
};

// The smallest closed set (see the top of this file) that holds `seed`. REQUIRES: not empty.
Candidate Close(const Parts& all, std::span<const PartInfo* const> seed) {
  int64_t min_ms = seed.front()->min_time_ms;
  int64_t max_ms = seed.front()->max_time_ms;
  uint64_t oldest = seed.front()->max_sequence;
  uint64_t newest = oldest;
  const auto widen = [&](const PartInfo& part) {
    min_ms = std::min(min_ms, part.min_time_ms);
    max_ms = std::max(max_ms, part.max_time_ms);
    oldest = std::min(oldest, part.max_sequence);
    newest = std::max(newest, part.max_sequence);
  };
  for (const PartInfo* part : seed) widen(*part);
  for (size_t size_before = 0;;) {
    Candidate closed;
    for (const PartInfo* part : all) {
      if (part->max_sequence < oldest || part->max_sequence > newest) continue;
      if (!Touches(*part, min_ms, max_ms)) continue;
      closed.parts.push_back(part);
      closed.bytes += Bytes(*part);
    }
    if (closed.parts.size() == size_before) return closed;
    size_before = closed.parts.size();
    for (const PartInfo* part : closed.parts) widen(*part);
  }
}

Parts Touching(const Parts& all, const Partition& partition) {
  Parts touching;
  for (const PartInfo* part : all) {
    if (Touches(*part, partition.begin_ms, partition.end_ms)) touching.push_back(part);
  }
  return touching;
}

// The parts of each partition that more than `parts_max` parts touch, the most crowded first. Only
// partitions in which some part begins are looked at: none between them is more crowded.
std::vector<Parts> Crowds(const Parts& all, size_t parts_max) {
  std::vector<int64_t> begins;
  for (const PartInfo* part : all) {
    begins.push_back(PartitionOf(part->min_time_ms, kPartitionMs).begin_ms);
  }
  std::sort(begins.begin(), begins.end());
  begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
  std::vector<Parts> crowds;
  for (const int64_t begin_ms : begins) {
    Parts touching = Touching(all, PartitionOf(begin_ms, kPartitionMs));
    if (touching.size() > parts_max && touching.size() > 1) crowds.push_back(std::move(touching));
  }
  std::stable_sort(crowds.begin(), crowds.end(),
                   [](const Parts& a, const Parts& b) { return a.size() > b.size(); });
  return crowds;
}

bool MayMerge(const Candidate& candidate, const PlannerOptions& options) {
  const bool of_spans = candidate.parts.front()->signal == format::Signal::kTraces;
  if (of_spans && candidate.parts.size() > 1 && candidate.bytes > options.span_merge_bytes_max) {
    return false;
  }
  return std::none_of(candidate.parts.begin(), candidate.parts.end(), [&](const PartInfo* part) {
    return options.unmergeable_parts.contains(part->part_id);
  });
}

std::optional<Candidate> CrowdedMerge(const Parts& all, const PlannerOptions& options) {
  for (const Parts& crowd : Crowds(all, options.parts_per_partition_max)) {
    std::optional<Candidate> best;
    for (size_t begin = 0; begin + 1 < crowd.size(); ++begin) {
      for (size_t end = begin + 2; end <= crowd.size(); ++end) {
        Candidate candidate = Close(all, std::span(crowd).subspan(begin, end - begin));
        if (!MayMerge(candidate, options)) continue;
        if (!best || candidate.CheaperThan(*best)) best = std::move(candidate);
      }
    }
    if (best) return best;
  }
  return std::nullopt;
}

bool LiesWithin(const PartInfo& part, const Partition& partition) {
  return part.min_time_ms >= partition.begin_ms && part.max_time_ms <= partition.end_ms;
}

// Merging `parts` at least doubles the largest of them.
bool Doubles(const Candidate& candidate) {
  uint64_t largest = 0;
  for (const PartInfo* part : candidate.parts) largest = std::max(largest, Bytes(*part));
  return candidate.bytes / 2 >= largest;
}

// 0: for ever.
int64_t RetentionOf(const PartInfo& part, const PlannerOptions& options) {
  if (part.tier == format::Tier::kRollup) {
    return options.downsampling == nullptr
               ? 0
               : options.downsampling->RetentionOf(part.retention_class);
  }
  switch (part.signal) {
    case format::Signal::kMetrics:
      return options.classes == nullptr ? options.retention_ms
                                        : options.classes->RetentionOf(part.retention_class);
    case format::Signal::kExemplars:
      return options.exemplar_retention_ms;
    case format::Signal::kTraces:
      return options.trace_retention_ms;
    case format::Signal::kLogs:
      break;
  }
  return 0;
}

// A part goes as a whole when its newest sample does: parts much wider than a quarter of their
// retention would keep their oldest samples for too long.
bool SuitsRetention(int64_t width_ms, const PartInfo& part, const PlannerOptions& options) {
  const int64_t retention_ms = RetentionOf(part, options);
  return retention_ms == 0 || width_ms <= retention_ms / 4;
}

bool IsStale(const PartInfo& part, const PlannerOptions& options) {
  return options.classes != nullptr && part.signal == format::Signal::kMetrics &&
         part.tier == format::Tier::kRaw && !options.classes->IsCurrent(part.retention_class);
}

// A part alone is written anew once, as columns.
bool IsAsFlushed(const PartInfo& part) {
  return part.level == 0 &&
         (part.signal == format::Signal::kMetrics || part.signal == format::Signal::kTraces);
}

// Visits the parts of each partition of `width_ms` that lie wholly within it, oldest first, until
// visit(partition, parts) answers true.
template <typename Visit>
void VisitPartitions(const Parts& all, int64_t width_ms, Visit visit) {
  Parts by_time = all;
  std::stable_sort(by_time.begin(), by_time.end(), [](const PartInfo* a, const PartInfo* b) {
    return a->min_time_ms < b->min_time_ms;
  });
  for (size_t begin = 0; begin < by_time.size();) {
    const Partition partition = PartitionOf(by_time[begin]->min_time_ms, width_ms);
    Parts within;
    for (; begin < by_time.size() && by_time[begin]->min_time_ms <= partition.end_ms; ++begin) {
      if (LiesWithin(*by_time[begin], partition)) within.push_back(by_time[begin]);
    }
    if (!within.empty() && visit(partition, within)) return;
  }
}

// The oldest settled partition of `width_ms` that is worth merging.
std::optional<Candidate> SettledMerge(const Parts& all, int64_t width_ms,
                                      const PlannerOptions& options) {
  int64_t newest_ms = std::numeric_limits<int64_t>::min();
  for (const PartInfo* part : all) newest_ms = std::max(newest_ms, part->max_time_ms);
  std::optional<Candidate> found;
  if (!SuitsRetention(width_ms, *all.front(), options)) return found;
  VisitPartitions(all, width_ms, [&](const Partition& partition, const Parts& within) {
    if (SaturatingAdd(partition.end_ms, kDaySettledMs) > newest_ms) return true;
    Candidate candidate = Close(all, within);
    const bool stays_within =
        std::all_of(candidate.parts.begin(), candidate.parts.end(),
                    [&partition](const PartInfo* part) { return LiesWithin(*part, partition); });
    const bool alone = candidate.parts.size() == 1;
    const bool worth = alone ? IsAsFlushed(*candidate.parts.front())
                             : Doubles(candidate) && candidate.bytes <= options.part_bytes_target;
    if (!stays_within || !worth || !MayMerge(candidate, options)) return false;
    found = std::move(candidate);
    return true;
  });
  return found;
}

// See PlanFullMerge.
std::optional<Candidate> FullMerge(const Parts& all, const PlannerOptions& options) {
  std::optional<Candidate> found;
  const bool wide = SuitsRetention(kFullMergeWidthMs, *all.front(), options);
  VisitPartitions(all, wide ? kFullMergeWidthMs : kDayMs,
                  [&](const Partition&, const Parts& within) {
                    if (within.size() < 2) return false;
                    Candidate candidate = Close(all, within);
                    if (!MayMerge(candidate, options)) return false;
                    found = std::move(candidate);
                    return true;
                  });
  if (found) return found;
  for (const PartInfo* part : all) {
    if (!IsAsFlushed(*part)) continue;
    Candidate candidate = Close(all, {&part, 1});
    if (MayMerge(candidate, options)) return candidate;
  }
  return std::nullopt;
}

MergeJob JobOf(const Candidate& candidate) {
  VARVE_CHECK(!candidate.parts.empty());
  MergeJob job;
  for (const PartInfo* part : candidate.parts) job.part_ids.push_back(part->part_id);
  return job;
}

// How many partitions [min_ms, max_ms] touches.
uint64_t PartitionCount(int64_t min_ms, int64_t max_ms, int64_t width_ms) {
  return static_cast<uint64_t>(FloorDivide(max_ms, width_ms)) -
         static_cast<uint64_t>(FloorDivide(min_ms, width_ms)) + 1;
}

}  // namespace

Partition PartitionOf(int64_t time_ms, int64_t width_ms) {
  VARVE_CHECK(width_ms > 0);
  const int64_t number = FloorDivide(time_ms, width_ms);
  Partition partition;
  if (__builtin_mul_overflow(number, width_ms, &partition.begin_ms)) {
    // The first partition of all is cut short; its last time still has a name.
    partition.begin_ms = std::numeric_limits<int64_t>::min();
    partition.end_ms = (number + 1) * width_ms - 1;
  } else {
    partition.end_ms = SaturatingAdd(partition.begin_ms, width_ms - 1);
  }
  return partition;
}

Partition RollupPartitionOf(int64_t time_ms, int64_t width_ms) {
  Partition partition = PartitionOf(time_ms - 1, width_ms);
  ++partition.begin_ms;
  ++partition.end_ms;
  return partition;
}

int64_t FlushPartitionWidth(int64_t min_ms, int64_t max_ms) {
  VARVE_CHECK(min_ms <= max_ms);
  if (PartitionCount(min_ms, max_ms, kPartitionMs) <= kFlushPartsMax) return kPartitionMs;
  // All of int64 makes four partitions of the 13th width, which still is an int64.
  int64_t width_ms = kDayMs;
  while (PartitionCount(min_ms, max_ms, width_ms) > kFlushPartsMax) width_ms *= 8;
  return width_ms;
}

std::optional<MergeJob> PlanMerge(std::span<const PartInfo> parts, const PlannerOptions& options) {
  const std::vector<PartInfo> aligned = Aligned(parts);
  const std::vector<Parts> kinds = ByKind(aligned);
  for (const Parts& kind : kinds) {
    if (const auto merge = CrowdedMerge(kind, options)) {
      return JobOf(*merge);
    }
  }
  for (const int64_t width_ms : {kDayMs, kFullMergeWidthMs, kRollupMergeWidthMs}) {
    for (const Parts& kind : kinds) {
      const bool rollups = kind.front()->tier == format::Tier::kRollup;
      if (width_ms == kRollupMergeWidthMs && !rollups) continue;
      if (const auto merge = SettledMerge(kind, width_ms, options)) return JobOf(*merge);
    }
  }
  return std::nullopt;
}

std::optional<MergeJob> PlanFullMerge(std::span<const PartInfo> parts,
                                      const PlannerOptions& options) {
  const std::vector<PartInfo> aligned = Aligned(parts);
  for (const Parts& kind : ByKind(aligned)) {
    if (const auto merge = FullMerge(kind, options)) return JobOf(*merge);
  }
  return std::nullopt;
}

std::optional<uint64_t> PlanSplit(std::span<const PartInfo> parts, const PlannerOptions& options) {
  for (const PartInfo& part : parts) {
    if (IsStale(part, options) && !options.unmergeable_parts.contains(part.part_id)) {
      return part.part_id;
    }
  }
  return std::nullopt;
}

bool AnyStale(std::span<const PartInfo> parts, const PlannerOptions& options) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const PartInfo& part) { return IsStale(part, options); });
}

std::vector<ExpiredPart> PlanExpiry(std::span<const PartInfo> parts, const PlannerOptions& options,
                                    int64_t now_ms) {
  std::vector<ExpiredPart> expired;
  std::vector<const PartInfo*> kept;
  uint64_t kept_bytes = 0;
  for (const PartInfo& part : parts) {
    const int64_t retention_ms = RetentionOf(part, options);
    if (retention_ms > 0 && part.max_time_ms < SaturatingAdd(now_ms, -retention_ms) &&
        !options.held_parts.contains(part.part_id)) {
      expired.push_back({part.part_id, ExpiryReason::kAge});
    } else {
      kept.push_back(&part);
      kept_bytes += part.bytes();
    }
  }
  if (options.part_bytes_max == 0) return expired;
  std::sort(kept.begin(), kept.end(), [](const PartInfo* a, const PartInfo* b) {
    return std::tuple(a->max_time_ms, a->part_id) < std::tuple(b->max_time_ms, b->part_id);
  });
  for (size_t i = 0; i + 1 < kept.size() && kept_bytes > options.part_bytes_max; ++i) {
    expired.push_back({kept[i]->part_id, ExpiryReason::kSize});
    kept_bytes -= kept[i]->bytes();
  }
  return expired;
}

std::vector<uint64_t> PlanRetention(std::span<const PartInfo> parts, const PlannerOptions& options,
                                    int64_t now_ms) {
  std::vector<uint64_t> expired;
  for (const ExpiredPart& part : PlanExpiry(parts, options, now_ms)) {
    expired.push_back(part.part_id);
  }
  return expired;
}

}  // namespace varve::compaction
