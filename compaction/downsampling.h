// Downsampling: which series are rolled up, when, into which resolutions, and how long these are
// kept.
//
// A level of a rule is made once per day of samples: the first from raw samples, the others from
// the first. Its number is the retention class of its parts; rules that differ from those that a
// database was last opened with get new numbers, and what older rules made stays, as long as the
// longest of all that is now.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compaction/hidden_samples.h"
#include "compaction/planner.h"
#include "index/matcher.h"
#include "storage/format/part_info.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::compaction {

struct DownsamplingLevel {
  int64_t resolution_ms = 0;
  int64_t after_ms = 0;      // made when a day's end is so old
  int64_t retention_ms = 0;  // 0: for ever
};

// The series that all matchers select and no rule before it.
struct DownsamplingRule {
  std::string text;  // for people
  std::vector<index::LabelMatcher> selector;
  std::vector<DownsamplingLevel> levels;  // from the finest on; at least one
};

// Immutable. Thread safety: any thread.
class DownsamplingRules {
 public:
  struct Level : DownsamplingLevel {
    size_t rule = 0;
    uint16_t number = 0;
    // The number of the level that it is made from; its own for one made from raw samples.
    uint16_t source = 0;
  };

  DownsamplingRules() = default;
  // Levels are numbered from `first_number` on, rule by rule. `raw_retention_ms`: the longest of
  // raw samples, 0: for ever. REQUIRES: as many numbers are left.
  DownsamplingRules(uint16_t first_number, std::vector<DownsamplingRule> rules,
                    int64_t raw_retention_ms);

  bool empty() const { return rules_.empty(); }
  std::span<const Level> levels() const { return levels_; }
  // Nothing for a level of older rules.
  const Level* Find(uint16_t number) const;
  // The rule of a series; nothing when it is not downsampled.
  std::optional<size_t> RuleOf(std::string_view labels) const;
  // Of a level of older rules the longest of all. 0: for ever.
  int64_t RetentionOf(uint16_t number) const;
  // "{job="api"} 5m0s"; "older rules".
  std::string Describe(uint16_t number) const;

 private:
  std::vector<DownsamplingRule> rules_;
  std::vector<Level> levels_;
  int64_t longest_ms_ = 0;
};

// What is made of raw parts, or of those of the first level: the days of `pieces`, each with the
// newest write that goes into it.
struct DownsampleJob {
  uint16_t level = 0;  // number
  std::vector<format::PartPiece> pieces;
  std::vector<uint64_t> sources;  // part ids, oldest first
  std::vector<uint64_t> older;    // the level's own parts of these days, oldest first
};

// A day of a level of which there is nothing to keep, and the newest write that this was seen of.
struct EmptyDay {
  uint16_t level = 0;
  int64_t begin_ms = 0;
  uint64_t max_sequence = 0;
  friend auto operator<=>(const EmptyDay&, const EmptyDay&) = default;
};

// The next job due, if any: up to eight days of one level. `options` names the rules. Parts that no
// merge may take keep their days from being made.
std::optional<DownsampleJob> PlanDownsample(std::span<const format::PartInfo> parts,
                                            const PlannerOptions& options,
                                            const std::set<EmptyDay>& empty, int64_t now_ms);
// Raw parts that must stay whatever their age, because some day of theirs is yet to be rolled up
// (and would not be out of its level's retention at once).
std::set<uint64_t> HeldForDownsampling(std::span<const format::PartInfo> parts,
                                       const PlannerOptions& options,
                                       const std::set<EmptyDay>& empty, int64_t now_ms);

// Runs a job: one new part, ingested but not committed; nothing where no series has samples.
// `hidden` is of the sources, then of the older parts. Errors and cancelling as MergeVisible.
Result<std::optional<format::PartInfo>> Downsample(
    kv::Store* store, const DownsampleJob& job, const DownsamplingRules& rules,
    std::span<const std::shared_ptr<const kv::Part>> sources,
    std::span<const std::shared_ptr<const kv::Part>> older, std::span<const HiddenSamples> hidden,
    const std::atomic<bool>* cancelled);

// Merges parts of one level (oldest first; one is enough) into one: of each day the newest. Rows
// with anything hidden in their bucket go. Otherwise as MergeVisible.
Result<std::optional<format::PartInfo>> MergeRollupParts(
    kv::Store* store, std::span<const std::shared_ptr<const kv::Part>> parts,
    std::span<const HiddenSamples> hidden, const std::atomic<bool>* cancelled);

}  // namespace varve::compaction
