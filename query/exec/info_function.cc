#include "query/exec/info_function.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/status_macros.h"
#include "query/exec/go_format.h"
#include "query/exec/label_ops.h"
#include "query/exec/range_kernels.h"
#include "query/exec/range_windows.h"
#include "query/exec/rollup_use.h"
#include "query/exec/row_merge.h"

namespace varve::promql::exec {
namespace {

constexpr std::array<std::string_view, 2> kIdentifyingLabels = {"instance", "job"};
constexpr int64_t kAbsent = INT64_MIN;
constexpr size_t kNoSeries = SIZE_MAX;

bool IsPositive(MatchOp op) { return op == MatchOp::kEqual || op == MatchOp::kRegexMatch; }

// A matcher ready to be asked often.
class Condition {
 public:
  explicit Condition(const Matcher& matcher) : matcher_(matcher) {
    if (matcher.op == MatchOp::kEqual || matcher.op == MatchOp::kNotEqual) return;
    re2::RE2::Options options;
    options.set_dot_nl(true);
    options.set_log_errors(false);
    regex_ = std::make_unique<re2::RE2>(matcher.value, options);
  }
  bool Holds(std::string_view value) const {
    const bool equal = regex_ == nullptr
                           ? value == matcher_.value
                           : re2::RE2::FullMatch({value.data(), value.size()}, *regex_);
    return equal == IsPositive(matcher_.op);
  }

 private:
  const Matcher& matcher_;
  std::unique_ptr<re2::RE2> regex_;
};

// An info series: when the sample that stands for it at each step was taken.
struct InfoSeries {
  const Labels* labels = nullptr;
  std::vector<int64_t> times_ms;  // kAbsent where there is none
};

// The info series of one metric that describe the same thing, and which of them is the newest at
// each step.
struct InfoGroup {
  std::vector<size_t> members;
  std::vector<size_t> newest;  // kNoSeries where there is none
};

class InfoJoin {
 public:
  InfoJoin(const InfoMatchers& matchers, const InfoSource& source, VectorValue base)
      : matchers_(matchers),
        source_(source),
        base_(std::move(base)),
        added_(base_.step_count(), base_.budget()),
        held_(base_.budget()) {}

  Result<VectorValue> Run();

 private:
  void FindPassedThrough();
  bool IsWanted(const Labels& labels) const;
  Status ReadSeries();
  Status ReadOne(size_t i, LookbackIndex* floats, LookbackIndex* histograms, InfoSeries* out);
  Status GroupSeries();
  Status FindNewest(InfoGroup* group, size_t* failed_step, std::string* failure);
  Status Extend(SeriesRow* row);
  Result<std::optional<Labels>> Extended(const Labels& base, const std::vector<size_t>& infos);
  static std::string Signature(std::string_view metric, const Labels& labels);

  const InfoMatchers& matchers_;
  const InfoSource& source_;
  VectorValue base_;
  VectorValue added_;  // what series become whose info changes on the way
  BudgetShare held_;
  std::vector<bool> passed_through_;  // by row of base_: info series themselves
  // The values of the identifying labels in base_.
  std::array<std::unordered_set<std::string>, kIdentifyingLabels.size()> identifiers_;
  bool keep_unmatched_ = true;
  engine::SampleBuffer samples_;  // scratch
  std::vector<InfoSeries> series_;
  std::vector<std::string> metrics_;  // of series_, in order of appearance
  std::unordered_map<std::string, InfoGroup> groups_;
};

std::string InfoJoin::Signature(std::string_view metric, const Labels& labels) {
  // Names hold no zero byte; two of the values could, but the lengths tell them apart.
  std::string out(metric);
  for (const std::string_view name : kIdentifyingLabels) {
    const std::string_view value = labels.Get(name);
    out += '\0';
    out += std::to_string(value.size());
    out += ':';
    out += value;
  }
  return out;
}

// Info series are not described by themselves; and the others say which info series matter.
void InfoJoin::FindPassedThrough() {
  std::vector<Condition> names;
  for (const Matcher& matcher : matchers_.names) names.emplace_back(matcher);
  for (const SeriesRow& row : base_.rows()) {
    const std::string_view name = row.labels.Get(kMetricNameLabel);
    const bool is_info = std::all_of(names.begin(), names.end(),
                                     [name](const Condition& c) { return c.Holds(name); });
    passed_through_.push_back(is_info);
    if (is_info) continue;
    for (size_t i = 0; i < kIdentifyingLabels.size(); ++i) {
      const std::string_view value = row.labels.Get(kIdentifyingLabels[i]);
      if (!value.empty()) identifiers_[i].emplace(value);
    }
  }
}

// As the reference selects them: each identifying label by itself, if any base series has it.
bool InfoJoin::IsWanted(const Labels& labels) const {
  bool any = false;
  for (size_t i = 0; i < kIdentifyingLabels.size(); ++i) {
    if (identifiers_[i].empty()) continue;
    any = true;
    if (!identifiers_[i].contains(std::string(labels.Get(kIdentifyingLabels[i])))) return false;
  }
  return any;
}

Status InfoJoin::ReadSeries() {
  LookbackIndex floats(source_.grid, source_.shift, source_.lookback_ms);
  LookbackIndex histograms(source_.grid, source_.shift, source_.lookback_ms);
  for (size_t i = 0; i < source_.selection->series_count(); ++i) {
    const Labels& labels = source_.selection->labels(i);
    if (!IsWanted(labels)) continue;
    RETURN_IF_ERROR(base_.budget()->CheckTime());
    InfoSeries series;
    series.labels = &labels;
    RETURN_IF_ERROR(ReadOne(i, &floats, &histograms, &series));
    if (series.times_ms.empty()) continue;
    RETURN_IF_ERROR(held_.Add(0, series.times_ms.size() * sizeof(int64_t)));
    series_.push_back(std::move(series));
  }
  return OkStatus();
}

// Leaves `out->times_ms` empty when the series has nothing at any step.
Status InfoJoin::ReadOne(size_t i, LookbackIndex* floats, LookbackIndex* histograms,
                         InfoSeries* out) {
  const int64_t first = source_.shift.Apply(source_.grid.start_ms);
  const int64_t last = source_.shift.Apply(source_.grid.end_ms());
  const int64_t begin = SaturatingAdd(SaturatingSub(first, source_.lookback_ms), 1);
  samples_.rollups = RollupsForLookback(source_.grid, source_.shift, source_.lookback_ms);
  RETURN_IF_ERROR(source_.selection->Read(i, begin, last, &samples_));
  base_.budget()->CountRead(samples_.size());
  const auto index = floats->Bind(samples_.timestamps_ms);
  const auto histogram_index = histograms->Bind(samples_.histogram_timestamps_ms);
  for (size_t step = 0; step < index.size(); ++step) {
    const bool any = index[step] != LookbackIndex::kNone;
    const int64_t time_ms = any ? samples_.timestamps_ms[index[step]] : kAbsent;
    if (histogram_index[step] != LookbackIndex::kNone &&
        samples_.histogram_timestamps_ms[histogram_index[step]] > time_ms) {
      if (samples_.histograms[histogram_index[step]]->is_stale_marker()) continue;
      return OutOfRangeError("this should be an info metric, with float samples: " +
                             FormatGoLabels(*out->labels));
    }
    if (!any || IsStaleMarker(samples_.values[index[step]])) continue;
    if (out->times_ms.empty()) out->times_ms.assign(index.size(), kAbsent);
    out->times_ms[step] = time_ms;
  }
  return OkStatus();
}

Status InfoJoin::GroupSeries() {
  for (size_t i = 0; i < series_.size(); ++i) {
    const std::string metric(series_[i].labels->Get(kMetricNameLabel));
    if (std::find(metrics_.begin(), metrics_.end(), metric) == metrics_.end()) {
      metrics_.push_back(metric);
    }
    groups_[Signature(metric, *series_[i].labels)].members.push_back(i);
  }
  size_t failed_step = kNoBit;
  std::string failure;
  for (auto& [signature, group] : groups_) {
    RETURN_IF_ERROR(FindNewest(&group, &failed_step, &failure));
  }
  return failed_step == kNoBit ? OkStatus() : OutOfRangeError(failure);
}

// Two equally new ones are a failure, reported for the earliest step, where there is something to
// describe.
Status InfoJoin::FindNewest(InfoGroup* group, size_t* failed_step, std::string* failure) {
  const size_t step_count = base_.step_count();
  RETURN_IF_ERROR(held_.Add(0, step_count * sizeof(size_t)));
  group->newest.assign(step_count, kNoSeries);
  for (size_t step = 0; step < step_count && step < *failed_step; ++step) {
    size_t& newest = group->newest[step];
    for (const size_t member : group->members) {
      const int64_t time_ms = series_[member].times_ms[step];
      if (time_ms == kAbsent) continue;
      const int64_t newest_ms = newest == kNoSeries ? kAbsent : series_[newest].times_ms[step];
      if (time_ms > newest_ms) {
        newest = member;
        continue;
      }
      if (time_ms < newest_ms) continue;
      const bool anything =
          std::any_of(base_.rows().begin(), base_.rows().end(),
                      [step](const SeriesRow& row) { return TestBit(row.column.present, step); });
      if (!anything || step >= *failed_step) continue;
      *failed_step = step;
      *failure = "found duplicate series for info metric: existing " +
                 FormatGoLabels(*series_[newest].labels) + " @ " + std::to_string(newest_ms) +
                 ", new " + FormatGoLabels(*series_[member].labels) + " @ " +
                 std::to_string(time_ms);
    }
  }
  return OkStatus();
}

// The labels with what the info series add; nullopt when the sample has to go.
Result<std::optional<Labels>> InfoJoin::Extended(const Labels& base,
                                                 const std::vector<size_t>& infos) {
  std::map<std::string_view, std::string_view> added;
  bool any = false;
  for (const size_t info : infos) {
    if (info == kNoSeries) continue;
    any = true;
    for (const LabelView label : *series_[info].labels) {
      if (label.name == kMetricNameLabel) continue;
      const bool wanted = matchers_.data.empty() ||
                          std::any_of(matchers_.data.begin(), matchers_.data.end(),
                                      [&](const Matcher& m) { return m.name == label.name; });
      if (!wanted) continue;
      const auto found = added.find(label.name);
      if (found != added.end() && found->second != label.value) {
        return OutOfRangeError("conflicting label: " + std::string(label.name));
      }
      if (!base.Has(label.name)) added.emplace(label.name, label.value);
    }
  }
  if (!any && !keep_unmatched_) return std::optional<Labels>();
  Labels labels = base;
  for (const auto& [name, value] : added) labels = SetLabel(labels, name, value);
  return std::optional<Labels>(std::move(labels));
}

// Splits a series by the info series that stand beside it; almost always there is one kind.
Status InfoJoin::Extend(SeriesRow* row) {
  std::vector<const InfoGroup*> groups;
  for (const std::string& metric : metrics_) {
    const auto found = groups_.find(Signature(metric, row->labels));
    if (found != groups_.end()) groups.push_back(&found->second);
  }
  const size_t step_count = base_.step_count();
  std::map<std::vector<size_t>, std::vector<uint64_t>> steps_by_infos;
  std::vector<size_t> infos(groups.size());
  std::vector<size_t> last_infos;
  std::vector<uint64_t>* steps = nullptr;
  ForEachBit(row->column.present, step_count, [&](size_t step) {
    for (size_t g = 0; g < groups.size(); ++g) infos[g] = groups[g]->newest[step];
    if (steps == nullptr || infos != last_infos) {
      steps = &steps_by_infos[infos];
      steps->resize(BitmapWords(step_count));
      last_infos = infos;
    }
    SetBit(steps->data(), step);
  });
  const Labels base = row->labels;
  ClearBits(row->column.present, step_count);
  bool in_place = true;
  for (auto& [combination, present] : steps_by_infos) {
    ASSIGN_OR_RETURN(std::optional<Labels> labels, Extended(base, combination));
    if (!labels.has_value()) continue;
    if (in_place) {
      row->labels = *std::move(labels);
      OrBits(present.data(), step_count, row->column.present);
      in_place = false;
      continue;
    }
    Column part = row->column;
    part.present = present.data();
    RETURN_IF_ERROR(added_.Append(*std::move(labels), part));
    added_.rows().back().drop_name = row->drop_name;
  }
  return OkStatus();
}

Result<VectorValue> InfoJoin::Run() {
  base_.DropEmptyRows();
  FindPassedThrough();
  for (const Matcher& matcher : matchers_.data) {
    keep_unmatched_ = keep_unmatched_ && Condition(matcher).Holds("");
  }
  RETURN_IF_ERROR(ReadSeries());
  RETURN_IF_ERROR(GroupSeries());
  for (size_t i = 0; i < base_.rows().size(); ++i) {
    RETURN_IF_ERROR(base_.budget()->CheckTime());
    if (!passed_through_[i]) RETURN_IF_ERROR(Extend(&base_.rows()[i]));
  }
  base_.Absorb(std::move(added_));
  RETURN_IF_ERROR(ResolveEqualLabels(EqualLabels::kMergeDisjoint, &base_));
  return std::move(base_);
}

}  // namespace

InfoMatchers ToInfoMatchers(const std::vector<Matcher>& written) {
  InfoMatchers out;
  bool any_positive = false;
  for (const Matcher& matcher : written) {
    const bool about_name = matcher.name == kMetricNameLabel;
    any_positive = any_positive || (about_name && IsPositive(matcher.op));
    (about_name ? out.names : out.data).push_back(matcher);
  }
  const std::string name(kMetricNameLabel);
  if (out.names.empty()) {
    out.names.push_back({MatchOp::kEqual, name, "target_info"});
  } else if (!any_positive) {
    out.names.insert(out.names.begin(), {MatchOp::kRegexMatch, name, ".+_info"});
  }
  return out;
}

Result<VectorValue> AddInfoLabels(const InfoMatchers& matchers, const InfoSource& source,
                                  VectorValue base) {
  return InfoJoin(matchers, source, std::move(base)).Run();
}

}  // namespace varve::promql::exec
