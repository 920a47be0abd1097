#include "index/head_postings.h"

#include <unordered_map>

#include "index/label_pair.h"

namespace varve::index {

Result<IdSet> HeadPostings::All() const { return IdSet::FromAscending(series_.AllIds()); }

Result<IdSet> HeadPostings::WithValues(std::string_view name,
                                       std::span<const std::string> values) const {
  IdUnion found;
  for (const std::string& value : values) {
    if (value.empty()) continue;
    const PairId pair = pairs_.Find(name, value);
    if (pair == kNoPairId) continue;
    if (values.size() == 1) return pairs_.postings(pair).ToSet();
    pairs_.postings(pair).AddTo(&found);
  }
  return found.Finish();
}

Result<std::optional<IdSet>> HeadPostings::ScanValues(std::string_view name,
                                                      std::string_view prefix, uint64_t values_max,
                                                      const ValueCondition& accepts) const {
  const NameId name_id = pairs_.FindName(name);
  if (name_id == kNoNameId) return std::optional<IdSet>(IdSet());
  const std::span<const PairId> candidates = pairs_.NamePairs(name_id);
  if (candidates.size() > values_max) return std::optional<IdSet>();
  IdUnion found;
  for (const PairId pair : candidates) {
    const std::string_view value = SplitPair(pairs_.entry(pair).bytes()).value;
    if (value.starts_with(prefix) && accepts(value)) pairs_.postings(pair).AddTo(&found);
  }
  return std::optional<IdSet>(found.Finish());
}

PairId HeadPostings::FindPair(uint32_t id, NameId name) const {
  for (const PairId pair : series_.Pairs(id)) {
    if (pairs_.entry(pair).name == name) return pair;
  }
  return kNoPairId;
}

Status HeadPostings::Filter(std::span<const LabelMatcher* const> matchers,
                            std::vector<uint32_t>* ids) const {
  for (const LabelMatcher* matcher : matchers) KeepMatching(*matcher, ids);
  return OkStatus();
}

void HeadPostings::KeepMatching(const LabelMatcher& matcher, std::vector<uint32_t>* ids) const {
  const NameId name = pairs_.FindName(matcher.name());
  // Series share values, so each value is matched once.
  std::unordered_map<PairId, bool> verdicts;
  std::erase_if(*ids, [&](uint32_t id) {
    const PairId pair = name == kNoNameId ? kNoPairId : FindPair(id, name);
    if (pair == kNoPairId) return !matcher.MatchesEmpty();
    const auto [it, is_new] = verdicts.try_emplace(pair, false);
    if (is_new) it->second = matcher.Matches(SplitPair(pairs_.entry(pair).bytes()).value);
    return !it->second;
  });
}

}  // namespace varve::index
