#include "index/postings_source.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace varve::index {
namespace {

// Looking at a value and uniting its postings costs a few times as much as looking at a survivor's
// own labels, where each value is matched once, too.
constexpr uint64_t kSurvivorsPerValue = 4;
// A scan of so few values is never worth avoiding.
constexpr uint64_t kScanValuesMin = 16;

// The evaluation of one conjunction. A matcher that does not accept the empty value selects among
// the series that have the label; one that does is taken from the other side, as the series that it
// takes away.
class Evaluation {
 public:
  Evaluation(const PostingsSource& source, std::span<const LabelMatcher> matchers)
      : source_(source) {
    for (const LabelMatcher& matcher : matchers) {
      if (matcher.MatchesAll()) continue;
      const bool selects = !matcher.MatchesEmpty();
      if (selects && matcher.exact_values()) {
        exact_.push_back(&matcher);
      } else if (selects) {
        selecting_.push_back(&matcher);
      } else if (matcher.excluded_values()) {
        excluding_exact_.push_back(&matcher);
      } else {
        excluding_.push_back(&matcher);
      }
    }
    // A longer prefix is likely to leave fewer values to look at.
    std::stable_sort(selecting_.begin(), selecting_.end(),
                     [](const LabelMatcher* a, const LabelMatcher* b) {
                       return a->prefix().size() > b->prefix().size();
                     });
  }

  Result<std::vector<uint32_t>> Run() {
    RETURN_IF_ERROR(IntersectExact());
    for (const LabelMatcher* matcher : selecting_) RETURN_IF_ERROR(Select(*matcher));
    if (!survivors_) {
      ASSIGN_OR_RETURN(survivors_, source_.All());
    }
    for (const LabelMatcher* matcher : excluding_exact_) {
      if (survivors_->empty()) break;
      ASSIGN_OR_RETURN(const IdSet excluded,
                       source_.WithValues(matcher->name(), *matcher->excluded_values()));
      survivors_->Subtract(excluded);
    }
    for (const LabelMatcher* matcher : excluding_) RETURN_IF_ERROR(Exclude(*matcher));
    std::vector<uint32_t> ids = survivors_->ToVector();
    if (!ids.empty() && !filters_.empty()) RETURN_IF_ERROR(source_.Filter(filters_, &ids));
    return ids;
  }

 private:
  // The smallest set first: every later step costs at most its size.
  Status IntersectExact() {
    std::vector<std::pair<uint64_t, IdSet>> sets;
    for (const LabelMatcher* matcher : exact_) {
      ASSIGN_OR_RETURN(IdSet set, source_.WithValues(matcher->name(), *matcher->exact_values()));
      const uint64_t size = set.size();
      sets.emplace_back(size, std::move(set));
      if (size == 0) break;
    }
    std::sort(sets.begin(), sets.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [size, set] : sets) IntersectWith(std::move(set));
    return OkStatus();
  }

  void IntersectWith(IdSet set) {
    if (survivors_) {
      survivors_->IntersectWith(set);
    } else {
      survivors_ = std::move(set);
    }
  }

  uint64_t ScanLimit() const {
    return survivors_ ? std::max(survivors_->size() / kSurvivorsPerValue, kScanValuesMin)
                      : UINT64_MAX;
  }

  Status Select(const LabelMatcher& matcher) {
    if (survivors_ && survivors_->empty()) return OkStatus();
    const auto accepts = [&](std::string_view value) { return matcher.Matches(value); };
    ASSIGN_OR_RETURN(auto selected,
                     source_.ScanValues(matcher.name(), matcher.prefix(), ScanLimit(), accepts));
    if (selected) {
      IntersectWith(std::move(*selected));
    } else {
      filters_.push_back(&matcher);
    }
    return OkStatus();
  }

  Status Exclude(const LabelMatcher& matcher) {
    if (survivors_->empty()) return OkStatus();
    const auto rejects = [&](std::string_view value) { return !matcher.Matches(value); };
    ASSIGN_OR_RETURN(const auto excluded,
                     source_.ScanValues(matcher.name(), {}, ScanLimit(), rejects));
    if (excluded) {
      survivors_->Subtract(*excluded);
    } else {
      filters_.push_back(&matcher);
    }
    return OkStatus();
  }

  const PostingsSource& source_;
  std::vector<const LabelMatcher*> exact_;
  std::vector<const LabelMatcher*> selecting_;
  std::vector<const LabelMatcher*> excluding_exact_;
  std::vector<const LabelMatcher*> excluding_;
  std::vector<const LabelMatcher*> filters_;  // left to be evaluated over the survivors' own labels
  std::optional<IdSet> survivors_;            // nothing yet: every series
};

}  // namespace

Result<std::vector<uint32_t>> EvaluateMatchers(const PostingsSource& source,
                                               std::span<const LabelMatcher> matchers) {
  return Evaluation(source, matchers).Run();
}

}  // namespace varve::index
