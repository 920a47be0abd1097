#include "index/id_set.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace varve::index {
namespace {

// Shorter ranges are cheaper as loose ids.
constexpr uint64_t kLooseRangeMax = 32;

// Sorts; repetitions may remain. Many ids in a narrow range are sorted through a bit for each.
void SortUnique(std::vector<uint32_t>* ids) {
  constexpr size_t kBitsPerWord = 64;
  constexpr size_t kWordsPerIdMax = 2;
  if (std::is_sorted(ids->begin(), ids->end())) return;
  const size_t words = *std::max_element(ids->begin(), ids->end()) / kBitsPerWord + 1;
  if (words > ids->size() * kWordsPerIdMax) {
    std::sort(ids->begin(), ids->end());
    return;
  }
  std::vector<uint64_t> bits(words);
  for (const uint32_t id : *ids) bits[id / kBitsPerWord] |= uint64_t{1} << (id % kBitsPerWord);
  ids->clear();
  for (size_t word = 0; word < words; ++word) {
    for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
      ids->push_back(static_cast<uint32_t>(word * kBitsPerWord) +
                     static_cast<uint32_t>(std::countr_zero(rest)));
    }
  }
}

OwnedRoaring NewBitmap() {
  OwnedRoaring bitmap(roaring_bitmap_create());
  VARVE_CHECK(bitmap != nullptr);
  return bitmap;
}

}  // namespace

void RoaringDeleter::operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }

IdSet::IdSet() : IdSet(NewBitmap()) {}

IdSet IdSet::FromAscending(std::span<const uint32_t> ids) {
  OwnedRoaring bitmap = NewBitmap();
  roaring_bitmap_add_many(bitmap.get(), ids.size(), ids.data());
  return IdSet(std::move(bitmap));
}

IdSet IdSet::FromRange(uint64_t begin, uint64_t end) {
  OwnedRoaring bitmap = NewBitmap();
  if (begin < end) roaring_bitmap_add_range(bitmap.get(), begin, end);
  return IdSet(std::move(bitmap));
}

IdSet IdSet::Borrow(const roaring_bitmap_t* bitmap) {
  IdSet set{OwnedRoaring()};
  set.bitmap_ = bitmap;
  return set;
}

uint64_t IdSet::size() const { return roaring_bitmap_get_cardinality(bitmap_); }
bool IdSet::empty() const { return roaring_bitmap_is_empty(bitmap_); }

void IdSet::IntersectWith(const IdSet& other) { Adopt(roaring_bitmap_and(bitmap_, other.bitmap_)); }
void IdSet::Subtract(const IdSet& other) { Adopt(roaring_bitmap_andnot(bitmap_, other.bitmap_)); }

void IdSet::Adopt(roaring_bitmap_t* bitmap) {
  VARVE_CHECK(bitmap != nullptr);
  owned_.reset(bitmap);
  bitmap_ = bitmap;
}

std::vector<uint32_t> IdSet::ToVector() const {
  std::vector<uint32_t> ids(size());
  if (!ids.empty()) roaring_bitmap_to_uint32_array(bitmap_, ids.data());
  return ids;
}

IdUnion::IdUnion() = default;
IdUnion::~IdUnion() = default;

void IdUnion::AddRange(uint64_t begin, uint64_t end) {
  if (end - begin <= kLooseRangeMax) {
    for (uint64_t id = begin; id < end; ++id) ids_.push_back(static_cast<uint32_t>(id));
    return;
  }
  if (bitmap_ == nullptr) bitmap_ = NewBitmap();
  roaring_bitmap_add_range(bitmap_.get(), begin, end);
}

void IdUnion::AddBitmap(const roaring_bitmap_t* bitmap) {
  if (bitmap_ == nullptr) {
    bitmap_.reset(roaring_bitmap_copy(bitmap));
    VARVE_CHECK(bitmap_ != nullptr);
  } else {
    roaring_bitmap_or_inplace(bitmap_.get(), bitmap);
  }
}

IdSet IdUnion::Finish() {
  SortUnique(&ids_);
  if (bitmap_ == nullptr) return IdSet::FromAscending(ids_);
  roaring_bitmap_add_many(bitmap_.get(), ids_.size(), ids_.data());
  return IdSet(std::move(bitmap_));
}

}  // namespace varve::index
