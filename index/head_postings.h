// The head's postings as matchers see them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/pair_dictionary.h"
#include "index/postings_source.h"
#include "index/series_slabs.h"

namespace varve::index {

// Borrows both; valid while they stand still. No call fails.
class HeadPostings final : public PostingsSource {
 public:
  HeadPostings(const PairDictionary* pairs, const SeriesSlabs* series)
      : pairs_(*pairs), series_(*series) {}

  Result<IdSet> All() const override;
  Result<IdSet> WithValues(std::string_view name,
                           std::span<const std::string> values) const override;
  Result<std::optional<IdSet>> ScanValues(std::string_view name, std::string_view prefix,
                                          uint64_t values_max,
                                          const ValueCondition& accepts) const override;
  Status Filter(std::span<const LabelMatcher* const> matchers,
                std::vector<uint32_t>* ids) const override;

  // The series' pair with that name, or kNoPairId. REQUIRES: the series exists.
  PairId FindPair(uint32_t id, NameId name) const;

 private:
  void KeepMatching(const LabelMatcher& matcher, std::vector<uint32_t>* ids) const;

  const PairDictionary& pairs_;
  const SeriesSlabs& series_;
};

}  // namespace varve::index
