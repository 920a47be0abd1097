#include "index/pair_dictionary.h"

#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "index/label_pair.h"
#include "storage/format/label_bytes.h"

namespace varve::index {
namespace {

uint32_t TagOf(std::string_view pair) { return static_cast<uint32_t>(Hash64(pair) >> 32); }

// Less garbage than this is not worth moving bytes for.
constexpr size_t kGarbageBytesMin = size_t{256} << 10;

}  // namespace

PairId PairDictionary::Find(std::string_view pair) const {
  return table_.Find(TagOf(pair), [&](PairId id) { return entries_[id].bytes() == pair; });
}

PairId PairDictionary::Find(std::string_view name, std::string_view value) const {
  std::string pair;
  format::AppendLabel(name, value, &pair);
  return Find(pair);
}

NameId PairDictionary::FindName(std::string_view name) const {
  const auto it = name_ids_.find(name);
  return it == name_ids_.end() ? kNoNameId : it->second;
}

PairId PairDictionary::Intern(std::string_view pair) {
  const uint32_t tag = TagOf(pair);
  const PairId known = table_.Find(tag, [&](PairId id) { return entries_[id].bytes() == pair; });
  if (known != kNoPairId) return known;
  const NameId name = InternName(SplitPair(pair).name);
  PairId id;
  if (free_pairs_.empty()) {
    id = static_cast<PairId>(entries_.size());
    entries_.emplace_back();
    postings_.emplace_back();
    name_positions_.emplace_back();
  } else {
    id = free_pairs_.back();
    free_pairs_.pop_back();
  }
  const std::string_view bytes = arena_.Add(pair);
  arena_bytes_live_ += bytes.size();
  entries_[id] = {bytes.data(), static_cast<uint32_t>(bytes.size()), name};
  name_positions_[id] = static_cast<uint32_t>(name_pairs_[name].size());
  name_pairs_[name].push_back(id);
  table_.Insert(tag, id);
  return id;
}

NameId PairDictionary::InternName(std::string_view name) {
  const auto it = name_ids_.find(name);
  if (it != name_ids_.end()) return it->second;
  NameId id;
  if (free_names_.empty()) {
    id = static_cast<NameId>(name_pairs_.size());
    name_pairs_.emplace_back();
  } else {
    id = free_names_.back();
    free_names_.pop_back();
  }
  name_ids_.emplace(name, id);
  return id;
}

void PairDictionary::AppendPosting(PairId pair, uint32_t id) {
  PostingList& list = postings_[pair];
  posting_bytes_ -= list.heap_bytes();
  list.Append(id);
  posting_bytes_ += list.heap_bytes();
}

void PairDictionary::RemovePostings(PairId pair, std::span<const uint32_t> ids) {
  PostingList& list = postings_[pair];
  posting_bytes_ -= list.heap_bytes();
  list.Remove(ids);
  posting_bytes_ += list.heap_bytes();
  if (list.size() == 0) Release(pair);
}

void PairDictionary::Release(PairId pair) {
  Entry& entry = entries_[pair];
  VARVE_CHECK(entry.name != kNoNameId);
  table_.Erase(TagOf(entry.bytes()), pair);
  std::vector<PairId>& siblings = name_pairs_[entry.name];
  const uint32_t position = name_positions_[pair];
  siblings[position] = siblings.back();
  name_positions_[siblings[position]] = position;
  siblings.pop_back();
  if (siblings.empty()) {
    name_ids_.erase(name_ids_.find(SplitPair(entry.bytes()).name));
    free_names_.push_back(entry.name);
    siblings.shrink_to_fit();
  }
  arena_bytes_live_ -= entry.size;
  entry = {};
  free_pairs_.push_back(pair);
}

void PairDictionary::Compact() {
  table_.ShrinkToFit();
  if (arena_.memory_bytes() < arena_bytes_live_ * 2 + kGarbageBytesMin) return;
  ByteArena compacted;
  for (Entry& entry : entries_) {
    if (entry.name != kNoNameId) entry.data = compacted.Add(entry.bytes()).data();
  }
  arena_ = std::move(compacted);
}

size_t PairDictionary::memory_bytes() const {
  constexpr size_t kMapNodeBytes = 80;
  size_t bytes = arena_.memory_bytes() + posting_bytes_ + table_.memory_bytes();
  bytes += entries_.capacity() * sizeof(Entry) + postings_.capacity() * sizeof(PostingList);
  bytes += (name_positions_.capacity() + free_pairs_.capacity() + free_names_.capacity()) *
           sizeof(uint32_t);
  bytes += name_pairs_.capacity() * sizeof(name_pairs_[0]) + name_ids_.size() * kMapNodeBytes;
  // Each name's list grows by doubling: three quarters full on average.
  return bytes + table_.size() * sizeof(PairId) * 4 / 3;
}

}  // namespace varve::index
