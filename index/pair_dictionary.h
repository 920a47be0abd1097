// PairDictionary: the head's label pairs, each stored once and numbered, with the series that bear
// it.
//
// Invariants:
//   1. A live pair is in the table, in its name's list, and in no free list.
//   2. A name without pairs does not exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/byte_arena.h"
#include "index/id_table.h"
#include "index/posting_list.h"

namespace varve::index {

using PairId = uint32_t;
using NameId = uint32_t;
inline constexpr PairId kNoPairId = UINT32_MAX;
inline constexpr NameId kNoNameId = UINT32_MAX;

// Thread safety: const methods may run concurrently with each other.
class PairDictionary {
 public:
  // The bytes and the name of one pair; 16 bytes, because every lookup of a series reads them all.
  struct Entry {
    const char* data = nullptr;
    uint32_t size = 0;
    NameId name = kNoNameId;  // kNoNameId: a free number
    std::string_view bytes() const { return {data, size}; }
  };

  // The pair's number, new or old. REQUIRES: `pair` is well-formed.
  PairId Intern(std::string_view pair);
  // kNoPairId when absent.
  PairId Find(std::string_view pair) const;
  PairId Find(std::string_view name, std::string_view value) const;
  NameId FindName(std::string_view name) const;

  const Entry& entry(PairId pair) const { return entries_[pair]; }
  const PostingList& postings(PairId pair) const { return postings_[pair]; }
  void AppendPosting(PairId pair, uint32_t id);
  // Frees the pair when none is left. REQUIRES: `ids` ascend.
  void RemovePostings(PairId pair, std::span<const uint32_t> ids);
  // Gives back room after many removals. Moves pair bytes: views of them become invalid.
  void Compact();

  // Sorted by name.
  const std::map<std::string, NameId, std::less<>>& names() const { return name_ids_; }
  // Unordered; a pair that no series bears yet is among them.
  std::span<const PairId> NamePairs(NameId name) const { return name_pairs_[name]; }

  size_t size() const { return table_.size(); }
  size_t memory_bytes() const;

 private:
  NameId InternName(std::string_view name);
  void Release(PairId pair);

  ByteArena arena_;
  size_t arena_bytes_live_ = 0;
  size_t posting_bytes_ = 0;
  IdTable table_;  // by pair bytes
  // Indexed by PairId.
  std::vector<Entry> entries_;
  std::vector<PostingList> postings_;
  std::vector<uint32_t> name_positions_;  // where the pair stands in its name's list
  std::vector<PairId> free_pairs_;
  // Indexed by NameId.
  std::vector<std::vector<PairId>> name_pairs_;
  std::vector<NameId> free_names_;
  std::map<std::string, NameId, std::less<>> name_ids_;
};

}  // namespace varve::index
