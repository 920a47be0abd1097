// The rules, and what is due by them.
#include "compaction/downsampling.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "storage/format/label_bytes.h"

namespace varve::compaction {
namespace {

using format::PartInfo;
using format::PartPiece;

constexpr int64_t kDayMs = kColumnPartitionMs;
constexpr int64_t kJobMs = 8 * kDayMs;
// Days of times beyond are not counted, so that they cannot overflow.
constexpr int64_t kSaneMs = int64_t{1} << 53;

bool Selects(std::span<const index::LabelMatcher> selector, std::string_view labels) {
  return std::all_of(selector.begin(), selector.end(), [labels](const index::LabelMatcher& m) {
    return m.Matches(format::FindLabel(labels, m.name()));
  });
}

bool IsRaw(const PartInfo& part) {
  return part.signal == format::Signal::kMetrics && part.tier == format::Tier::kRaw;
}

// "5m", "1h30m", "100ms".
std::string DurationText(int64_t ms) {
  constexpr std::pair<int64_t, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}};
  std::string text;
  for (const auto& [unit_ms, name] : kUnits) {
    if (ms / unit_ms > 0) text += std::to_string(ms / unit_ms) + name;
    ms %= unit_ms;
  }
  return text;
}

// The newest write that a day has, by the day's begin.
struct DayState {
  uint64_t max_sequence = 0;
  bool purged = false;
  // Of two states of a day the better: newer, or as new and whole.
  bool BetterThan(const DayState& other) const {
    return std::tuple(max_sequence, !purged) > std::tuple(other.max_sequence, !other.purged);
  }
};
using Days = std::map<int64_t, DayState>;

void Take(int64_t begin_ms, const DayState& state, Days* days) {
  const auto [at, is_new] = days->emplace(begin_ms, state);
  if (!is_new && state.BetterThan(at->second)) at->second = state;
}

// Calls visit(begin of day) for each day that [min_ms, max_ms] touches and that ends by `until_ms`.
template <typename Visit>
void VisitDays(int64_t min_ms, int64_t max_ms, int64_t until_ms, Visit visit) {
  min_ms = std::max(min_ms, int64_t{0});  // there are no samples before
  max_ms = std::min(max_ms, kSaneMs);
  if (min_ms > max_ms) return;
  Partition day = RollupPartitionOf(min_ms, kDayMs);
  for (; day.begin_ms <= max_ms && day.end_ms <= until_ms;
       day.begin_ms += kDayMs, day.end_ms += kDayMs) {
    visit(day.begin_ms);
  }
}

// What the parts of one level cover.
Days CoveredBy(uint16_t level, std::span<const PartInfo> parts) {
  Days days;
  for (const PartInfo& part : parts) {
    if (part.tier != format::Tier::kRollup || part.retention_class != level) continue;
    for (const PartPiece& piece : part.pieces) {
      Take(piece.begin_ms, {piece.max_sequence, piece.purged}, &days);
    }
  }
  return days;
}

// The days of which the first level of a rule should be there, each with the newest raw write.
class RawDays {
 public:
  RawDays(std::span<const PartInfo> parts, const PlannerOptions& options)
      : parts_(parts), options_(options) {}

  // A part's days go early when its own retention ends early.
  int64_t AfterOf(const PartInfo& part, int64_t after_ms) const {
    const int64_t retention_ms = options_.classes == nullptr
                                     ? options_.retention_ms
                                     : options_.classes->RetentionOf(part.retention_class);
    return retention_ms == 0 ? after_ms : std::min(after_ms, retention_ms);
  }

  Days Due(int64_t after_ms, int64_t now_ms) const {
    Days days;
    for (const PartInfo& part : parts_) {
      if (!IsRaw(part)) continue;
      const auto visit = [&](int64_t begin_ms) {
        if (Newest(part, begin_ms)) days[begin_ms];
      };
      VisitDays(part.min_time_ms, part.max_time_ms, now_ms - AfterOf(part, after_ms), visit);
    }
    Complete(&days);
    return days;
  }

  // Takes out days that damaged parts touch, and tells the newest write of the others.
  void Complete(Days* days) const {
    for (const PartInfo& part : parts_) {
      if (!IsRaw(part)) continue;
      const bool damaged = options_.unmergeable_parts.contains(part.part_id);
      auto day = days->lower_bound(RollupPartitionOf(Sane(part.min_time_ms), kDayMs).begin_ms);
      while (day != days->end() && day->first <= part.max_time_ms) {
        const std::optional<uint64_t> newest = Newest(part, day->first);
        if (newest && damaged) {
          day = days->erase(day);
          continue;
        }
        if (newest) day->second.max_sequence = std::max(day->second.max_sequence, *newest);
        ++day;
      }
    }
  }

  static int64_t Sane(int64_t time_ms) { return std::clamp(time_ms, -kSaneMs, kSaneMs); }

  static std::optional<uint64_t> Newest(const PartInfo& part, int64_t begin_ms) {
    const int64_t end_ms = begin_ms + kDayMs - 1;
    if (part.min_time_ms > end_ms || part.max_time_ms < begin_ms) return std::nullopt;
    if (part.pieces.empty()) return part.max_sequence;
    std::optional<uint64_t> newest;
    for (const PartPiece& piece : part.pieces) {
      if (piece.begin_ms > end_ms || piece.end_ms < begin_ms) continue;
      newest = std::max(newest.value_or(0), piece.max_sequence);
    }
    return newest;
  }

 private:
  const std::span<const PartInfo> parts_;
  const PlannerOptions& options_;
};

// The days of `due` of which `level` lacks something.
Days Missing(const Days& due, const DownsamplingRules::Level& level, const Days& covered,
             const std::set<EmptyDay>& empty) {
  Days missing;
  for (const auto& [begin_ms, state] : due) {
    const auto found = covered.find(begin_ms);
    const bool is_there = found != covered.end() && !state.BetterThan(found->second);
    const auto seen = empty.lower_bound({level.number, begin_ms, state.max_sequence});
    const bool is_empty =
        seen != empty.end() && seen->level == level.number && seen->begin_ms == begin_ms;
    if (!is_there && !is_empty) missing.emplace(begin_ms, state);
  }
  return missing;
}

// What would be dropped at once is not made.
void DropExpiredDays(const DownsamplingLevel& level, int64_t now_ms, Days* days) {
  if (level.retention_ms == 0) return;
  days->erase(days->begin(), days->upper_bound(now_ms - level.retention_ms - kDayMs));
}

bool TouchesAny(const PartInfo& part, const std::vector<PartPiece>& days) {
  return std::any_of(days.begin(), days.end(), [&part](const PartPiece& day) {
    return part.min_time_ms <= day.end_ms && part.max_time_ms >= day.begin_ms;
  });
}

// REQUIRES: some day is missing.
DownsampleJob JobOf(const Days& missing, const DownsamplingRules::Level& level,
                    std::span<const PartInfo> parts) {
  DownsampleJob job;
  job.level = level.number;
  const Partition partition = RollupPartitionOf(missing.begin()->first, kJobMs);
  for (const auto& [begin_ms, state] : missing) {
    if (begin_ms > partition.end_ms) break;
    job.pieces.push_back({begin_ms, begin_ms + kDayMs - 1, state.max_sequence, state.purged});
  }
  const bool from_raw = level.source == level.number;
  std::vector<const PartInfo*> sources;
  std::vector<const PartInfo*> older;
  for (const PartInfo& part : parts) {
    if (!TouchesAny(part, job.pieces)) continue;
    const bool rollup = part.tier == format::Tier::kRollup;
    if (from_raw ? IsRaw(part) : rollup && part.retention_class == level.source) {
      sources.push_back(&part);
    }
    if (rollup && part.retention_class == level.number) older.push_back(&part);
  }
  const auto oldest_first = [](const PartInfo* a, const PartInfo* b) {
    return std::tuple(a->max_sequence, a->part_id) < std::tuple(b->max_sequence, b->part_id);
  };
  std::sort(sources.begin(), sources.end(), oldest_first);
  std::sort(older.begin(), older.end(), oldest_first);
  for (const PartInfo* part : sources) job.sources.push_back(part->part_id);
  for (const PartInfo* part : older) job.older.push_back(part->part_id);
  return job;
}

}  // namespace

DownsamplingRules::DownsamplingRules(uint16_t first_number, std::vector<DownsamplingRule> rules,
                                     int64_t raw_retention_ms)
    : rules_(std::move(rules)), longest_ms_(raw_retention_ms) {
  for (size_t rule = 0; rule < rules_.size(); ++rule) {
    const auto source = static_cast<uint16_t>(first_number + levels_.size());
    for (const DownsamplingLevel& of_rule : rules_[rule].levels) {
      Level level;
      static_cast<DownsamplingLevel&>(level) = of_rule;
      level.rule = rule;
      level.number = static_cast<uint16_t>(first_number + levels_.size());
      level.source = source;
      levels_.push_back(level);
      const bool for_ever = longest_ms_ == 0 || level.retention_ms == 0;
      longest_ms_ = for_ever ? 0 : std::max(longest_ms_, level.retention_ms);
    }
  }
}

const DownsamplingRules::Level* DownsamplingRules::Find(uint16_t number) const {
  if (levels_.empty() || number < levels_.front().number) return nullptr;
  const size_t i = size_t{number} - levels_.front().number;
  return i < levels_.size() ? &levels_[i] : nullptr;
}

std::optional<size_t> DownsamplingRules::RuleOf(std::string_view labels) const {
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (Selects(rules_[i].selector, labels)) return i;
  }
  return std::nullopt;
}

int64_t DownsamplingRules::RetentionOf(uint16_t number) const {
  const Level* level = Find(number);
  return level == nullptr ? longest_ms_ : level->retention_ms;
}

std::string DownsamplingRules::Describe(uint16_t number) const {
  const Level* level = Find(number);
  if (level == nullptr) return "older rules";
  return rules_[level->rule].text + " " + DurationText(level->resolution_ms);
}

std::optional<DownsampleJob> PlanDownsample(std::span<const PartInfo> parts,
                                            const PlannerOptions& options,
                                            const std::set<EmptyDay>& empty, int64_t now_ms) {
  if (options.downsampling == nullptr) return std::nullopt;
  for (const DownsamplingRules::Level& level : options.downsampling->levels()) {
    Days due;
    if (level.source == level.number) {
      due = RawDays(parts, options).Due(level.after_ms, now_ms);
    } else {
      due = CoveredBy(level.source, parts);
      due.erase(due.upper_bound(now_ms - level.after_ms - kDayMs + 1), due.end());
    }
    DropExpiredDays(level, now_ms, &due);
    const Days missing = Missing(due, level, CoveredBy(level.number, parts), empty);
    if (missing.empty()) continue;
    DownsampleJob job = JobOf(missing, level, parts);
    const auto damaged = [&options](uint64_t id) { return options.unmergeable_parts.contains(id); };
    const bool any_damaged = std::any_of(job.sources.begin(), job.sources.end(), damaged) ||
                             std::any_of(job.older.begin(), job.older.end(), damaged);
    if (!any_damaged) return job;
  }
  return std::nullopt;
}

std::set<uint64_t> HeldForDownsampling(std::span<const PartInfo> parts,
                                       const PlannerOptions& options,
                                       const std::set<EmptyDay>& empty, int64_t now_ms) {
  std::set<uint64_t> held;
  if (options.downsampling == nullptr) return held;
  const RawDays raw_days(parts, options);
  for (const DownsamplingRules::Level& level : options.downsampling->levels()) {
    if (level.source != level.number) continue;
    Days days;
    for (const PartInfo& part : parts) {
      if (!IsRaw(part)) continue;
      // Nothing goes of days to come.
      VisitDays(part.min_time_ms, part.max_time_ms, now_ms + kDayMs, [&](int64_t begin_ms) {
        if (RawDays::Newest(part, begin_ms)) days[begin_ms];
      });
    }
    raw_days.Complete(&days);
    DropExpiredDays(level, now_ms, &days);
    const Days missing = Missing(days, level, CoveredBy(level.number, parts), empty);
    for (const PartInfo& part : parts) {
      if (!IsRaw(part)) continue;
      for (const auto& [begin_ms, state] : missing) {
        if (RawDays::Newest(part, begin_ms)) held.insert(part.part_id);
      }
    }
  }
  return held;
}

}  // namespace varve::compaction
