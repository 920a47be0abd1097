#include "engine/traces/seen_spans.h"

#include <algorithm>
#include <utility>

namespace varve::engine {
namespace {

constexpr size_t kSlotsMin = 1024;

}  // namespace

bool SeenSpans::Generation::Contains(uint64_t identity) const {
  if (slots.empty()) return false;
  const size_t mask = slots.size() - 1;
  for (size_t at = identity & mask; slots[at] != 0; at = (at + 1) & mask) {
    if (slots[at] == identity) return true;
  }
  return false;
}

void SeenSpans::Generation::Insert(uint64_t identity) {
  if ((count + 1) * 2 > slots.size()) Grow();
  const size_t mask = slots.size() - 1;
  size_t at = identity & mask;
  while (slots[at] != 0) at = (at + 1) & mask;
  slots[at] = identity;
  ++count;
}

void SeenSpans::Generation::Grow() {
  const std::vector<uint64_t> before = std::exchange(slots, {});
  slots.assign(std::max(kSlotsMin, before.size() * 2), 0);
  count = 0;
  for (const uint64_t identity : before) {
    if (identity != 0) Insert(identity);
  }
}

void SeenSpans::Prefetch(uint64_t identity) const {
  for (const Generation* generation : {&young_, &old_}) {
    if (generation->slots.empty()) continue;
    __builtin_prefetch(&generation->slots[identity & (generation->slots.size() - 1)]);
  }
}

bool SeenSpans::Insert(uint64_t identity) {
  if (identity == 0) identity = 1;
  if (young_.Contains(identity) || old_.Contains(identity)) return false;
  if (young_.count == count_max_) {
    std::swap(young_, old_);
    std::fill(young_.slots.begin(), young_.slots.end(), 0);
    young_.count = 0;
  }
  young_.Insert(identity);
  if (recent_.size() < kRecent) {
    recent_.push_back(identity);
  } else {
    recent_[recent_at_] = identity;
    recent_at_ = (recent_at_ + 1) % kRecent;
  }
  return true;
}

}  // namespace varve::engine
