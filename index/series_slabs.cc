#include "index/series_slabs.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace varve::index {

void SeriesSlabs::Slab::Reallocate(uint32_t new_capacity) {
  auto moved = std::make_unique_for_overwrite<uint32_t[]>(new_capacity);
  std::copy_n(pairs.get(), pair_count, moved.get());
  pairs = std::move(moved);
  capacity = new_capacity;
}

void SeriesSlabs::Slab::DropRemoved() {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < filled; ++i) {
    const std::span<const uint32_t> old = Pairs(i);
    begin[i] = kept;
    if (!Has(i)) continue;
    std::copy(old.begin(), old.end(), pairs.get() + kept);
    kept += static_cast<uint32_t>(old.size());
  }
  pair_count = kept;
  pair_count_removed = 0;
  Reallocate(kept);
}

SeriesSlabs::Slab* SeriesSlabs::LastSlabFor(uint32_t id) {
  const size_t wanted = id / kSlabSize;
  VARVE_CHECK(slabs_.empty() || wanted + 1 >= slabs_.size());
  if (wanted + 1 > slabs_.size()) {
    if (!slabs_.empty() && slabs_.back() != nullptr) {
      // Nothing is added to the previous slab any more.
      if (slabs_.back()->series_count == 0) {
        slabs_.back().reset();
      } else {
        slabs_.back()->Reallocate(slabs_.back()->pair_count);
      }
    }
    slabs_.resize(wanted);
    slabs_.push_back(std::make_unique<Slab>());
  }
  return slabs_.back().get();
}

void SeriesSlabs::Add(uint32_t id, std::span<const uint32_t> pairs) {
  Slab* slab = LastSlabFor(id);
  const uint32_t i = id % kSlabSize;
  VARVE_CHECK(i >= slab->filled);
  const auto count = static_cast<uint32_t>(pairs.size());
  if (slab->pair_count + count > slab->capacity) {
    slab->Reallocate(std::max(slab->pair_count + count, slab->capacity * 2));
  }
  for (uint32_t gap = slab->filled; gap <= i; ++gap) slab->begin[gap] = slab->pair_count;
  std::copy(pairs.begin(), pairs.end(), slab->pairs.get() + slab->pair_count);
  slab->pair_count += count;
  slab->filled = i + 1;
  slab->present[i / kWordBits] |= uint64_t{1} << (i % kWordBits);
  ++slab->series_count;
  ++size_;
}

void SeriesSlabs::Remove(uint32_t id) {
  VARVE_CHECK(Contains(id));
  Slab* slab = slabs_[id / kSlabSize].get();
  const uint32_t i = id % kSlabSize;
  slab->present[i / kWordBits] &= ~(uint64_t{1} << (i % kWordBits));
  slab->pair_count_removed += static_cast<uint32_t>(slab->Pairs(i).size());
  --slab->series_count;
  --size_;
  // The last slab stays: it remembers which ids were given out.
  const bool is_last = slab == slabs_.back().get();
  if (slab->series_count == 0 && !is_last) {
    slabs_[id / kSlabSize].reset();
  } else if (slab->pair_count_removed * 2 > slab->pair_count) {
    slab->DropRemoved();
  }
}

std::vector<uint32_t> SeriesSlabs::AllIds() const {
  std::vector<uint32_t> ids;
  ids.reserve(size_);
  for (size_t s = 0; s < slabs_.size(); ++s) {
    if (slabs_[s] == nullptr) continue;
    for (uint32_t word = 0; word < kSlabSize / kWordBits; ++word) {
      for (uint64_t bits = slabs_[s]->present[word]; bits != 0; bits &= bits - 1) {
        const auto bit = static_cast<uint32_t>(std::countr_zero(bits));
        ids.push_back(static_cast<uint32_t>(s) * kSlabSize + word * kWordBits + bit);
      }
    }
  }
  return ids;
}

size_t SeriesSlabs::memory_bytes() const {
  size_t bytes = slabs_.capacity() * sizeof(slabs_[0]);
  for (const auto& slab : slabs_) {
    if (slab != nullptr) bytes += sizeof(Slab) + slab->capacity * sizeof(uint32_t);
  }
  return bytes;
}

}  // namespace varve::index
