#include "index/id_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace varve::index {
namespace {

constexpr size_t kCapacityMin = 16;

// Tables run between 1/2 and 4/5 full: with 8-byte slots a hit then looks at two or three slots of
// one cache line.
constexpr size_t CapacityFor(size_t size) { return std::max(kCapacityMin, size + size * 3 / 5); }
constexpr bool TooFull(size_t size, size_t capacity) { return size * 5 > capacity * 4; }

}  // namespace

void IdTable::Insert(uint32_t tag, uint32_t id) {
  VARVE_CHECK(id != kNoId);
  if (TooFull(size_t{size_} + 1, capacity_)) Resize(CapacityFor(size_t{size_} + size_ / 4 + 1));
  Place({tag, id});
  ++size_;
}

void IdTable::Place(Slot slot) {
  uint32_t i = Home(slot.tag);
  while (slots_[i].id != kNoId) i = Next(i);
  slots_[i] = slot;
}

void IdTable::Resize(size_t capacity) {
  VARVE_CHECK(capacity > size_ && capacity < UINT32_MAX);
  const std::unique_ptr<Slot[]> old = std::exchange(slots_, std::make_unique<Slot[]>(capacity));
  const size_t old_capacity = std::exchange(capacity_, static_cast<uint32_t>(capacity));
  std::fill_n(slots_.get(), capacity, Slot{0, kNoId});
  for (size_t i = 0; i < old_capacity; ++i) {
    if (old[i].id != kNoId) Place(old[i]);
  }
}

void IdTable::Erase(uint32_t tag, uint32_t id) {
  uint32_t hole = Home(tag);
  while (slots_[hole].id != id) {
    VARVE_CHECK(slots_[hole].id != kNoId);
    hole = Next(hole);
  }
  // Every slot up to the next free one moves back into the hole unless its search begins behind the
  // hole.
  for (uint32_t i = Next(hole); slots_[i].id != kNoId; i = Next(i)) {
    const uint32_t home = Home(slots_[i].tag);
    const bool home_behind_hole =
        hole < i ? (home > hole && home <= i) : (home > hole || home <= i);
    if (home_behind_hole) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole].id = kNoId;
  --size_;
}

void IdTable::ShrinkToFit() {
  const size_t capacity = CapacityFor(size_t{size_} + size_ / 4 + 1);
  if (capacity * 2 < capacity_) Resize(capacity);
}

}  // namespace varve::index
