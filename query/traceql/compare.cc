#include "query/traceql/compare.h"

#include <algorithm>
#include <cmath>

#include "base/status_macros.h"
#include "query/traceql/result_values.h"

namespace varve::traceql {
namespace {

ResultValue TextValue(std::string text) {
  ResultValue value;
  value.type = ResultValue::Type::kString;
  value.text = std::move(text);
  return value;
}

size_t SideOf(uint32_t group) { return (group - 1) % 2; }
size_t BucketOf(uint32_t group) { return (group - 1) / 2; }

std::string NameOf(Scope scope, const std::string& key) {
  Attribute attribute;
  attribute.scope = scope;
  attribute.name = key;
  return attribute.ToText();
}

}  // namespace

void Comparer::Add(SpanRef span, size_t bucket, Side side, double weight) {
  if (marks_.size() <= span.block) marks_.resize(table_->block_count());
  Marks& marks = marks_[span.block];
  if (marks.groups.empty()) marks.groups.resize(table_->row_count(span.block));
  marks.groups[span.row] = static_cast<Group>(bucket * 2 + static_cast<uint32_t>(side) + 1);
  if (weight == 1 && marks.weights.empty()) return;
  if (marks.weights.empty()) marks.weights.assign(marks.groups.size(), 1);
  marks.weights[span.row] = weight;
}

Result<std::vector<MetricSeries>> Comparer::Finish(const CheckTime& check) {
  for (uint32_t block = 0; block < marks_.size(); ++block) {
    RETURN_IF_ERROR(check());
    if (marks_[block].groups.empty()) continue;
    RETURN_IF_ERROR(CountBlock(block, marks_[block]));
    table_->CloseBeyond(kOpenBytesMax);
  }
  std::vector<MetricSeries> all;
  for (const auto& [attribute, counted] : attributes_) {
    FinishSide(attribute, counted, Side::kBaseline, &all);
    FinishSide(attribute, counted, Side::kSelection, &all);
  }
  return all;
}

Status Comparer::CountBlock(uint32_t block, const Marks& marks) {
  ASSIGN_OR_RETURN(const format::SpanBlock* opened, table_->view(block).Open());
  const auto& attributes = opened->header().attributes;
  for (uint32_t column = 0; column < attributes.size(); ++column) {
    if (attributes[column].scope != format::AttributeScope::kSpan) continue;
    RETURN_IF_ERROR(CountColumn(*opened, column, marks));
  }
  RETURN_IF_ERROR(CountResources(block, marks));
  RETURN_IF_ERROR(CountIntrinsics(block, marks));
  return CountRoots(block, marks);
}

template <typename ValueOf>
void Comparer::Flush(const std::string& attribute, ValueOf&& value_of) {
  if (counts_.empty()) return;
  Counted& counted = attributes_[attribute];
  for (std::vector<double>& totals : counted.totals) totals.resize(buckets_.count);
  std::sort(counts_.begin(), counts_.end(),
            [](const Count& a, const Count& b) { return a.key < b.key; });
  for (size_t i = 0; i < counts_.size();) {
    const uint64_t number = counts_[i].key >> 32;
    std::vector<std::pair<Group, double>> groups;
    for (; i < counts_.size() && counts_[i].key >> 32 == number; ++i) {
      const auto group = static_cast<Group>(counts_[i].key);
      if (groups.empty() || groups.back().first != group) groups.emplace_back(group, 0);
      groups.back().second += counts_[i].weight;
    }
    AddEntry(value_of(number), std::move(groups), &counted);
  }
  counts_.clear();
}

void Comparer::AddEntry(const Value& value, std::vector<std::pair<Group, double>> counts,
                        Counted* counted) {
  ResultValue shown = ToResult(value);
  if (shown.type == ResultValue::Type::kNil) return;
  const auto [at, is_new] = counted->numbers.try_emplace(
      static_cast<char>('0' + static_cast<int>(shown.type)) + shown.text, counted->entries.size());
  if (is_new) counted->entries.emplace_back().value = std::move(shown);
  Entry& entry = counted->entries[at->second];
  for (const auto& [group, weight] : counts) {
    entry.totals[SideOf(group)] += weight;
    counted->totals[SideOf(group)][BucketOf(group)] += weight;
  }
  entry.counts.insert(entry.counts.end(), counts.begin(), counts.end());
}

Status Comparer::CountColumn(const format::SpanBlock& block, uint32_t column, const Marks& marks) {
  const format::AttributeColumnInfo& info = block.header().attributes[column];
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* rows, block.AttributeRows(column));
  const std::string attribute = NameOf(Scope::kSpan, info.key);
  const bool is_text =
      info.type == format::AttributeType::kString || info.type == format::AttributeType::kOther;
  const codec::StringColumn* strings = nullptr;
  const std::vector<uint64_t>* values = nullptr;
  std::unordered_map<uint64_t, uint32_t> numbers;  // of values that are no strings
  std::vector<uint64_t> distinct;
  if (is_text) {
    ASSIGN_OR_RETURN(strings, block.AttributeStrings(column));
  } else {
    ASSIGN_OR_RETURN(values, block.AttributeValues(column));
  }
  for (size_t i = 0; i < rows->size(); ++i) {
    const uint32_t row = (*rows)[i];
    const Group group = marks.groups[row];
    if (group == 0 || (i > 0 && (*rows)[i - 1] == row)) continue;
    uint64_t number = 0;
    if (is_text) {
      number = strings->index(i);
    } else {
      const auto [at, is_new] =
          numbers.try_emplace((*values)[i], static_cast<uint32_t>(distinct.size()));
      if (is_new) distinct.push_back((*values)[i]);
      number = at->second;
    }
    counts_.push_back({number << 32 | group, WeightOf(marks, row)});
  }
  Flush(attribute, [&](uint64_t number) {
    if (!is_text) return SimpleValue(info.type, distinct[number]);
    const std::string_view text = strings->dictionary[number];
    return info.type == format::AttributeType::kString ? Value::String(text) : ListOf(text);
  });
  return OkStatus();
}

Status Comparer::CountResources(uint32_t block, const Marks& marks) {
  ASSIGN_OR_RETURN(const format::SpanBlock* opened, table_->view(block).Open());
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* resources,
                   opened->Values(format::SpanColumn::kResources));
  std::vector<Count> of_resources;
  for (uint32_t row = 0; row < marks.groups.size(); ++row) {
    if (marks.groups[row] == 0) continue;
    of_resources.push_back({(*resources)[row] << 32 | marks.groups[row], WeightOf(marks, row)});
  }
  std::vector<std::string> keys;
  RETURN_IF_ERROR(table_->view(block).VisitKeys([&](Scope scope, std::string_view key) {
    if (scope == Scope::kResource) keys.emplace_back(key);
  }));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const std::vector<Value>* values,
                     table_->view(block).OriginValues(Scope::kResource, key));
    for (const Count& count : of_resources) {
      const uint64_t number = count.key >> 32;
      if (number >= values->size()) return DataLossError("a resource that is not there");
      if (!(*values)[number].is_nil()) counts_.push_back(count);
    }
    Flush(NameOf(Scope::kResource, key), [&](uint64_t number) { return (*values)[number]; });
  }
  return OkStatus();
}

Status Comparer::CountIntrinsics(uint32_t block, const Marks& marks) {
  ASSIGN_OR_RETURN(const format::SpanBlock* opened, table_->view(block).Open());
  for (const auto& [column, name] :
       {std::pair(format::SpanColumn::kNames, "name"),
        std::pair(format::SpanColumn::kStatusMessages, "statusMessage")}) {
    ASSIGN_OR_RETURN(const codec::StringColumn* strings, opened->Strings(column));
    for (uint32_t row = 0; row < marks.groups.size(); ++row) {
      if (marks.groups[row] == 0) continue;
      counts_.push_back(
          {uint64_t{strings->index(row)} << 32 | marks.groups[row], WeightOf(marks, row)});
    }
    Flush(name, [&](uint64_t number) { return Value::String(strings->dictionary[number]); });
  }
  struct Enum {
    format::SpanColumn column;
    ValueType type;
    const char* name;
  };
  for (const Enum& of : {Enum{format::SpanColumn::kKinds, ValueType::kKind, "kind"},
                         Enum{format::SpanColumn::kStatusCodes, ValueType::kStatus, "status"}}) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, opened->Values(of.column));
    for (uint32_t row = 0; row < marks.groups.size(); ++row) {
      if (marks.groups[row] == 0) continue;
      const auto number = static_cast<uint32_t>((*values)[row]);
      counts_.push_back({uint64_t{number} << 32 | marks.groups[row], WeightOf(marks, row)});
    }
    Flush(of.name, [&](uint64_t number) {
      return Value::Of(of.type, static_cast<int32_t>(static_cast<uint32_t>(number)));
    });
  }
  return OkStatus();
}

Status Comparer::CountRoots(uint32_t block, const Marks& marks) {
  for (const auto& [intrinsic, name] :
       {std::pair(Intrinsic::kTraceRootName, "rootName"),
        std::pair(Intrinsic::kTraceRootService, "rootServiceName")}) {
    Attribute attribute;
    attribute.intrinsic = intrinsic;
    std::vector<std::string> texts;
    for (const auto& [begin, end] : table_->TraceRows(block)) {
      const size_t before = counts_.size();
      for (uint32_t row = begin; row < end; ++row) {
        if (marks.groups[row] == 0) continue;
        counts_.push_back({uint64_t{texts.size()} << 32 | marks.groups[row], WeightOf(marks, row)});
      }
      if (counts_.size() == before) continue;
      ASSIGN_OR_RETURN(const Value value, table_->Get(attribute, {block, begin}));
      if (value.is_nil()) {
        counts_.resize(before);
      } else {
        texts.push_back(value.ToText());
      }
    }
    Flush(name, [&](uint64_t number) { return Value::String(texts[number]); });
  }
  return OkStatus();
}

void Comparer::FinishSide(const std::string& attribute, const Counted& counted, Side side,
                          std::vector<MetricSeries>* all) const {
  const auto s = static_cast<size_t>(side);
  const std::string name = side == Side::kSelection ? "selection" : "baseline";
  std::vector<const Entry*> sorted;
  for (const Entry& entry : counted.entries) {
    if (entry.totals[s] > 0) sorted.push_back(&entry);
  }
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end(), [s](const Entry* a, const Entry* b) {
    if (a->totals[s] != b->totals[s]) return a->totals[s] > b->totals[s];
    return a->value.text < b->value.text;
  });
  const bool is_cut = sorted.size() > static_cast<size_t>(metric_.top);
  if (is_cut) sorted.resize(static_cast<size_t>(metric_.top));
  for (const Entry* entry : sorted) {
    std::vector<double> values(buckets_.count);
    for (const auto& [group, weight] : entry->counts) {
      if (SideOf(group) == s) values[BucketOf(group)] += weight;
    }
    Emit({{"__meta_type", TextValue(name)}, {attribute, entry->value}}, values, all);
  }
  if (is_cut) {
    Emit({{"__meta_type", TextValue(name)},
          {"__meta_error", TextValue("__too_many_values__")},
          {attribute, ResultValue()}},
         {}, all);
  }
  Emit({{"__meta_type", TextValue(name + "_total")}, {attribute, ResultValue()}}, counted.totals[s],
       all);
}

void Comparer::Emit(ResultAttributes labels, const std::vector<double>& values,
                    std::vector<MetricSeries>* all) const {
  MetricSeries& series = all->emplace_back();
  series.labels = std::move(labels);
  for (size_t i = 0; i < values.size(); ++i) {
    series.points.emplace_back(buckets_.TimestampMs(i), values[i]);
  }
}

}  // namespace varve::traceql
