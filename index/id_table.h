// IdTable: an open-addressing hash table from 32 bits of a hash to 32-bit ids; the keys live with
// the owner, who tells equal from unequal. Linear probing over 8-byte slots; removal shifts back,
// so there are no tombstones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace varve::index {

// Thread safety: const methods may run concurrently with each other.
class IdTable {
 public:
  static constexpr uint32_t kNoId = UINT32_MAX;

  IdTable() = default;

  // The first id stored under `tag` for which equal(id) holds, or kNoId.
  template <typename Equal>
  uint32_t Find(uint32_t tag, const Equal& equal) const {
    if (capacity_ == 0) return kNoId;
    for (uint32_t i = Home(tag); slots_[i].id != kNoId; i = Next(i)) {
      if (slots_[i].tag == tag && equal(slots_[i].id)) return slots_[i].id;
    }
    return kNoId;
  }
  // Fetches the cache line where the search for `tag` begins.
  void Prefetch(uint32_t tag) const {
    if (capacity_ != 0) __builtin_prefetch(&slots_[Home(tag)]);
  }

  // REQUIRES: id != kNoId; the pair is not in the table.
  void Insert(uint32_t tag, uint32_t id);
  // REQUIRES: the pair is in the table.
  void Erase(uint32_t tag, uint32_t id);
  // Gives back room after many removals.
  void ShrinkToFit();

  size_t size() const { return size_; }
  size_t memory_bytes() const { return size_t{capacity_} * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t tag;
    uint32_t id;  // kNoId: free
  };

  // Maps the tag's range onto the table, so that capacities need not be powers of two.
  uint32_t Home(uint32_t tag) const {
    return static_cast<uint32_t>((uint64_t{tag} * capacity_) >> 32);
  }
  uint32_t Next(uint32_t i) const { return i + 1 == capacity_ ? 0 : i + 1; }
  void Place(Slot slot);
  void Resize(size_t capacity);

  std::unique_ptr<Slot[]> slots_;
  uint32_t capacity_ = 0;
  uint32_t size_ = 0;  // < capacity_, so that every search ends
};

}  // namespace varve::index
