// Sets of series ids (or of ordinals) while matchers are evaluated: roaring bitmaps
// (Lemire et al., "Roaring Bitmaps: Implementation of an Optimized Software Library", 2018).
#pragma once

#include <roaring/roaring.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace varve::index {

struct RoaringDeleter {
  void operator()(roaring_bitmap_t* bitmap) const;
};
using OwnedRoaring = std::unique_ptr<roaring_bitmap_t, RoaringDeleter>;

// A set, owned or borrowed; borrowed ones are copied before they change. Thread safety: none.
class IdSet {
 public:
  IdSet();  // empty
  explicit IdSet(OwnedRoaring bitmap) : owned_(std::move(bitmap)), bitmap_(owned_.get()) {}
  static IdSet FromAscending(std::span<const uint32_t> ids);
  static IdSet FromRange(uint64_t begin, uint64_t end);  // [begin, end)
  // `bitmap` outlives the set and stands still.
  static IdSet Borrow(const roaring_bitmap_t* bitmap);

  uint64_t size() const;
  bool empty() const;
  void IntersectWith(const IdSet& other);
  void Subtract(const IdSet& other);
  std::vector<uint32_t> ToVector() const;  // ascending
  const roaring_bitmap_t* bitmap() const { return bitmap_; }

 private:
  void Adopt(roaring_bitmap_t* bitmap);

  OwnedRoaring owned_;
  const roaring_bitmap_t* bitmap_ = nullptr;  // owned_, or borrowed
};

// Builds the union of many lists. Thread safety: none.
class IdUnion {
 public:
  IdUnion();
  ~IdUnion();
  void Add(uint32_t id) { ids_.push_back(id); }
  void Add(std::span<const uint32_t> ids) { ids_.insert(ids_.end(), ids.begin(), ids.end()); }
  void AddRange(uint64_t begin, uint64_t end);  // [begin, end)
  void AddBitmap(const roaring_bitmap_t* bitmap);
  // To be called once.
  IdSet Finish();

 private:
  // Loose ids are collected, sorted and added at once: cheaper than one bitmap operation for each
  // short list.
  std::vector<uint32_t> ids_;
  OwnedRoaring bitmap_;  // null until something large arrives
};

}  // namespace varve::index
