#include "query/exec/group_accumulator.h"

#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "query/exec/aggregation_functions.h"

namespace varve::promql::exec {
namespace {

// What an operator does with native histograms.
enum class HistogramUse : uint8_t { kCount, kAddUp, kIgnore };

HistogramUse UseOfHistograms(AggregationOp op) {
  switch (op) {
    case AggregationOp::kCount:
    case AggregationOp::kGroup:
      return HistogramUse::kCount;
    case AggregationOp::kSum:
    case AggregationOp::kAvg:
      return HistogramUse::kAddUp;
    default:
      return HistogramUse::kIgnore;
  }
}

}  // namespace

bool IsStreamingAggregation(AggregationOp op) { return FindAggregationFunctions(op) != nullptr; }

size_t GroupAccumulator::KeyHash::operator()(std::string_view key) const { return Hash64(key); }

GroupAccumulator::GroupAccumulator(AggregationOp op, const LabelProjection* projection,
                                   const NameRules& names, const AggregationNotes& notes,
                                   size_t step_count, QueryBudget* budget)
    : op_(op),
      functions_(FindAggregationFunctions(op)),
      projection_(projection),
      names_(names),
      notes_(notes),
      step_count_(step_count),
      share_(budget) {
  VARVE_CHECK(functions_ != nullptr);
}

GroupPlanes GroupAccumulator::Planes(const Group& group) const {
  GroupPlanes out;
  for (size_t p = 0; p < functions_->plane_count; ++p) {
    out.plane[p] = group.planes.get() + p * step_count_;
  }
  out.present = group.bitmaps.get();
  out.incremental = out.present + BitmapWords(step_count_);
  return out;
}

Result<size_t> GroupAccumulator::FindOrAddGroup(std::string_view key) {
  if (last_group_ < groups_.size() && groups_[last_group_].key == key) return last_group_;
  if (const auto found = group_by_key_.find(key); found != group_by_key_.end()) {
    last_group_ = found->second;
    return last_group_;
  }
  const size_t plane_values = functions_->plane_count * step_count_;
  const size_t words = 2 * BitmapWords(step_count_);
  RETURN_IF_ERROR(share_.Add(step_count_, plane_values * sizeof(double) + words * sizeof(uint64_t) +
                                              2 * key.size() + sizeof(Group)));
  Group group;
  group.key = std::string(key);
  group.planes = std::make_unique<double[]>(plane_values);
  group.bitmaps = std::make_unique<uint64_t[]>(words);
  last_group_ = groups_.size();
  group_by_key_.emplace(group.key, last_group_);
  groups_.push_back(std::move(group));
  return last_group_;
}

Status GroupAccumulator::Add(const Labels& labels, MetricName name, const Column& column) {
  Column floats = column;
  const HistogramUse use = UseOfHistograms(op_);
  if (column.histograms != nullptr && use != HistogramUse::kCount) {
    SelectFloats(column);
    floats.present = float_present_.data();
    if (use == HistogramUse::kIgnore && !AnyBit(floats.present, step_count_)) return OkStatus();
  }
  if (!AnyBit(column.present, step_count_)) return OkStatus();
  projection_->Key(labels, names_.delayed() ? MetricName::kKeep : name, &key_);
  ASSIGN_OR_RETURN(const size_t index, FindOrAddGroup(key_));
  if (names_.delayed()) groups_[index].name_removal.Add(column, step_count_, name);
  const GroupPlanes planes = Planes(groups_[index]);
  functions_->add(planes, step_count_, floats);
  OrBits(floats.present, step_count_, planes.present);
  if (column.histograms == nullptr || use != HistogramUse::kAddUp) return OkStatus();
  return AddHistograms(labels, column, &groups_[index]);
}

void GroupAccumulator::SelectFloats(const Column& column) {
  float_present_.assign(column.present, column.present + BitmapWords(step_count_));
  bool any_histogram = false;
  ForEachBit(column.present, step_count_, [&](size_t step) {
    if (!column.IsHistogram(step)) return;
    ClearBit(float_present_.data(), step);
    any_histogram = true;
  });
  if (any_histogram && UseOfHistograms(op_) == HistogramUse::kIgnore) {
    notes_.annotations->HistogramIgnoredIn(AggregationName(op_), notes_.vector);
  }
}

Status GroupAccumulator::AddHistograms(const Labels& labels, const Column& column, Group* group) {
  if (group->histograms == nullptr) {
    RETURN_IF_ERROR(share_.Add(0, step_count_ * sizeof(void*)));
    const auto kind =
        op_ == AggregationOp::kSum ? HistogramGroup::Kind::kSum : HistogramGroup::Kind::kAverage;
    group->histograms = std::make_unique<HistogramGroup>(kind, step_count_);
  }
  return share_.Add(0, group->histograms->Add(column, labels.Get(kMetricNameLabel), notes_));
}

Status GroupAccumulator::Merge(GroupAccumulator&& later) {
  for (Group& group : later.groups_) {
    ASSIGN_OR_RETURN(const size_t index, FindOrAddGroup(group.key));
    const GroupPlanes own = Planes(groups_[index]);
    const GroupPlanes others = later.Planes(group);
    functions_->merge(own, step_count_, others);
    OrBits(others.present, step_count_, own.present);
    groups_[index].name_removal.Merge(group.name_removal);
    if (group.histograms == nullptr) continue;
    if (groups_[index].histograms == nullptr) {
      groups_[index].histograms = std::move(group.histograms);
    } else {
      groups_[index].histograms->Merge(std::move(*group.histograms), notes_);
    }
  }
  later.groups_.clear();
  later.group_by_key_.clear();
  later.share_.Reset();
  return OkStatus();
}

Result<VectorValue> GroupAccumulator::Finish() {
  VectorValue out(step_count_, share_.budget());
  for (Group& group : groups_) {
    const GroupPlanes planes = Planes(group);
    functions_->finish(planes, step_count_);
    Column column{planes.plane[0], planes.present};
    std::vector<HistogramPtr> histograms;
    if (group.histograms != nullptr) {
      histograms = group.histograms->Finish(notes_, planes.present);
      column.histograms = histograms.data();
    }
    RETURN_IF_ERROR(out.Append(Labels::FromCanonicalBytes(std::move(group.key)), column));
    out.rows().back().drop_name = group.name_removal.drop_name();
    group.planes.reset();
  }
  groups_.clear();
  group_by_key_.clear();
  share_.Reset();
  out.DropEmptyRows();
  return out;
}

std::vector<uint64_t> GroupAccumulator::PresentSteps() const {
  VARVE_CHECK(groups_.size() <= 1);
  std::vector<uint64_t> out(BitmapWords(step_count_));
  if (!groups_.empty()) OrBits(groups_[0].bitmaps.get(), step_count_, out.data());
  return out;
}

}  // namespace varve::promql::exec
