// SeriesSlabs: which pairs each series consists of, by series id. Ids come in ascending order, so
// the pair lists of 1,024 neighbouring ids are packed one behind the other in a slab, at 4 bytes a
// pair and 4 a series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace varve::index {

// Thread safety: const methods may run concurrently with each other.
class SeriesSlabs {
 public:
  // REQUIRES: id is above every id added before.
  void Add(uint32_t id, std::span<const uint32_t> pairs);
  // A slab without series is freed. REQUIRES: Contains(id).
  void Remove(uint32_t id);

  bool Contains(uint32_t id) const {
    const Slab* slab = FindSlab(id);
    return slab != nullptr && slab->Has(id % kSlabSize);
  }
  // REQUIRES: Contains(id). Valid until the next Add or Remove.
  std::span<const uint32_t> Pairs(uint32_t id) const {
    return slabs_[id / kSlabSize]->Pairs(id % kSlabSize);
  }

  // The two steps on the way to a series' pairs, for callers that look up many. REQUIRES: id was
  // added once.
  void PrefetchRecord(uint32_t id) const {
    if (const Slab* slab = FindSlab(id)) __builtin_prefetch(&slab->begin[id % kSlabSize]);
  }
  void PrefetchPairs(uint32_t id) const {
    const Slab* slab = FindSlab(id);
    if (slab == nullptr) return;
    const uint32_t* pairs = slab->pairs.get() + slab->begin[id % kSlabSize];
    __builtin_prefetch(pairs);
    __builtin_prefetch(pairs + 8);  // a list straddles two cache lines as often as not
  }

  std::vector<uint32_t> AllIds() const;  // ascending
  size_t size() const { return size_; }
  size_t memory_bytes() const;

 private:
  static constexpr uint32_t kSlabSize = 1024;
  static constexpr uint32_t kWordBits = 64;

  struct Slab {
    uint64_t present[kSlabSize / kWordBits] = {};
    uint32_t begin[kSlabSize];  // of the ids below `filled`; non-descending
    uint32_t filled = 0;
    uint32_t series_count = 0;
    uint32_t pair_count = 0;  // used of `pairs`, those of removed series included
    uint32_t pair_count_removed = 0;
    uint32_t capacity = 0;
    std::unique_ptr<uint32_t[]> pairs;

    bool Has(uint32_t i) const { return (present[i / kWordBits] >> (i % kWordBits)) & 1; }
    std::span<const uint32_t> Pairs(uint32_t i) const {
      const uint32_t end = i + 1 < filled ? begin[i + 1] : pair_count;
      return {pairs.get() + begin[i], end - begin[i]};
    }
    void Reallocate(uint32_t new_capacity);
    void DropRemoved();
  };

  const Slab* FindSlab(uint32_t id) const {
    const size_t i = id / kSlabSize;
    return i < slabs_.size() ? slabs_[i].get() : nullptr;
  }
  Slab* LastSlabFor(uint32_t id);

  std::vector<std::unique_ptr<Slab>> slabs_;  // null: no series left
  size_t size_ = 0;
};

}  // namespace varve::index
