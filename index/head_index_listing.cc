// Names, values and cardinality: what the index says of labels, rather than of series.
#include <algorithm>
#include <functional>
#include <utility>

#include "index/head_index.h"
#include "index/head_index_impl.h"
#include "index/head_postings.h"
#include "index/label_pair.h"

namespace varve::index {
namespace {

std::string_view ValueOf(const PairDictionary& pairs, PairId pair) {
  return SplitPair(pairs.entry(pair).bytes()).value;
}

std::vector<LabelCount> Largest(std::vector<LabelCount> counts, size_t limit) {
  const size_t kept = std::min(limit, counts.size());
  const auto before = [](const LabelCount& a, const LabelCount& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  };
  std::partial_sort(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(kept),
                    counts.end(), before);
  counts.resize(kept);
  return counts;
}

// Pairs that no series bears yet (recovery interns before it inserts) are left out.
template <typename Visit>
void ForEachLivePair(const PairDictionary& pairs, NameId name, const Visit& visit) {
  for (const PairId pair : pairs.NamePairs(name)) {
    if (const uint64_t count = pairs.postings(pair).size(); count > 0)
      visit(ValueOf(pairs, pair), count);
  }
}

}  // namespace

std::vector<std::string> HeadIndex::LabelNames() const {
  std::vector<std::string> names;
  for (const auto& [name, id] : impl_->pairs.names()) {
    const auto pairs = impl_->pairs.NamePairs(id);
    const auto is_live = [&](PairId pair) { return impl_->pairs.postings(pair).size() > 0; };
    if (std::any_of(pairs.begin(), pairs.end(), is_live)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> HeadIndex::LabelValues(std::string_view name) const {
  std::vector<std::string> values;
  const NameId id = impl_->pairs.FindName(name);
  if (id == kNoNameId) return values;
  ForEachLivePair(impl_->pairs, id,
                  [&](std::string_view value, uint64_t) { values.emplace_back(value); });
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<std::string> HeadIndex::LabelNames(std::span<const SeriesId> ids) const {
  std::vector<NameId> seen;
  for (const SeriesId id : ids) {
    for (const PairId pair : impl_->series.Pairs(id)) {
      const NameId name = impl_->pairs.entry(pair).name;
      if (seen.size() <= name) seen.resize(name + size_t{1}, 0);
      seen[name] = 1;
    }
  }
  std::vector<std::string> names;
  for (const auto& [name, id] : impl_->pairs.names()) {
    if (id < seen.size() && seen[id] != 0) names.push_back(name);
  }
  return names;
}

std::vector<std::string> HeadIndex::LabelValues(std::string_view name,
                                                std::span<const SeriesId> ids) const {
  std::vector<std::string> values;
  const NameId name_id = impl_->pairs.FindName(name);
  if (name_id == kNoNameId) return values;
  const HeadPostings postings(&impl_->pairs, &impl_->series);
  std::vector<PairId> found;
  for (const SeriesId id : ids) {
    const PairId pair = postings.FindPair(id, name_id);
    // Neighbouring series often share the value.
    if (pair != kNoPairId && (found.empty() || found.back() != pair)) found.push_back(pair);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (const PairId pair : found) values.emplace_back(ValueOf(impl_->pairs, pair));
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<LabelCount> HeadIndex::SeriesByMetricName(size_t limit) const {
  std::vector<LabelCount> counts;
  const NameId id = impl_->pairs.FindName("__name__");
  if (id == kNoNameId) return counts;
  ForEachLivePair(impl_->pairs, id, [&](std::string_view value, uint64_t count) {
    counts.push_back({std::string(value), count});
  });
  return Largest(std::move(counts), limit);
}

std::vector<LabelCount> HeadIndex::ValuesByLabelName(size_t limit) const {
  std::vector<LabelCount> counts;
  for (const auto& [name, id] : impl_->pairs.names()) {
    uint64_t value_count = 0;
    ForEachLivePair(impl_->pairs, id, [&](std::string_view, uint64_t) { ++value_count; });
    if (value_count > 0) counts.push_back({name, value_count});
  }
  return Largest(std::move(counts), limit);
}

// As Prometheus counts them: the bytes of the values, each as often as a series bears it.
std::vector<LabelCount> HeadIndex::BytesByLabelName(size_t limit) const {
  std::vector<LabelCount> counts;
  for (const auto& [name, id] : impl_->pairs.names()) {
    uint64_t bytes = 0;
    ForEachLivePair(impl_->pairs, id,
                    [&](std::string_view value, uint64_t count) { bytes += value.size() * count; });
    if (bytes > 0) counts.push_back({name, bytes});
  }
  return Largest(std::move(counts), limit);
}

std::vector<LabelCount> HeadIndex::SeriesByPair(size_t limit) const {
  // Chosen by number first: strings are made for the few that are shown.
  std::vector<std::pair<uint64_t, PairId>> pairs;
  for (const auto& [name, id] : impl_->pairs.names()) {
    for (const PairId pair : impl_->pairs.NamePairs(id)) {
      if (const uint64_t count = impl_->pairs.postings(pair).size(); count > 0)
        pairs.emplace_back(count, pair);
    }
  }
  std::vector<LabelCount> counts;
  if (limit == 0) return counts;
  if (pairs.size() > limit) {
    const auto cut = pairs.begin() + static_cast<std::ptrdiff_t>(limit) - 1;
    std::nth_element(pairs.begin(), cut, pairs.end(), std::greater<>());
    const uint64_t count_min = cut->first;
    std::erase_if(pairs, [&](const auto& pair) { return pair.first < count_min; });
  }
  for (const auto& [count, pair] : pairs) {
    const LabelPair label = SplitPair(PairBytes(pair));
    counts.push_back({std::string(label.name) + "=" + std::string(label.value), count});
  }
  return Largest(std::move(counts), limit);
}

}  // namespace varve::index
