#include "index/posting_list.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "base/check.h"

namespace varve::index {

PostingList::PostingList(PostingList&& other) noexcept : PostingList() { *this = std::move(other); }

PostingList& PostingList::operator=(PostingList&& other) noexcept {
  if (this == &other) return *this;
  Release();
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, kInline);
  std::memcpy(inline_, other.inline_, sizeof inline_);
  std::memset(other.inline_, 0, sizeof other.inline_);
  return *this;
}

void PostingList::Release() {
  if (is_bitmap()) {
    roaring_bitmap_free(bitmap_);
  } else if (capacity_ != kInline) {
    delete[] array_;
  }
  size_ = 0;
  capacity_ = kInline;
}

void PostingList::Append(uint32_t id) {
  if (is_bitmap()) {
    roaring_bitmap_add(bitmap_, id);
    ++size_;
    return;
  }
  VARVE_DCHECK(size_ == 0 || ids().back() < id);
  if (size_ == capacity_) {
    if (size_ == kArrayMax) {
      roaring_bitmap_t* bitmap = roaring_bitmap_create();
      VARVE_CHECK(bitmap != nullptr);
      roaring_bitmap_add_many(bitmap, size_, array_);
      delete[] array_;
      bitmap_ = bitmap;
      capacity_ = kBitmap;
      Append(id);
      return;
    }
    const uint32_t capacity = capacity_ * 2;
    auto* grown = new uint32_t[capacity];
    std::copy_n(ids().data(), size_, grown);
    if (capacity_ != kInline) delete[] array_;
    array_ = grown;
    capacity_ = capacity;
  }
  (capacity_ == kInline ? inline_ : array_)[size_++] = id;
}

void PostingList::Remove(std::span<const uint32_t> removed) {
  if (!is_bitmap()) {
    uint32_t* begin = capacity_ == kInline ? inline_ : array_;
    uint32_t* end = std::remove_if(begin, begin + size_, [&](uint32_t id) {
      return std::binary_search(removed.begin(), removed.end(), id);
    });
    size_ = static_cast<uint32_t>(end - begin);
    if (size_ <= kInline && capacity_ != kInline) Assign(std::vector<uint32_t>(begin, end));
    return;
  }
  roaring_bitmap_remove_many(bitmap_, removed.size(), removed.data());
  size_ = static_cast<uint32_t>(roaring_bitmap_get_cardinality(bitmap_));
  // Well below the switch to a bitmap, so that a list at the border does not change to and fro.
  if (size_ < kArrayMax / 4) {
    Assign(IdSet::Borrow(bitmap_).ToVector());
  } else {
    roaring_bitmap_shrink_to_fit(bitmap_);
  }
}

void PostingList::Assign(std::span<const uint32_t> ids) {
  Release();
  for (const uint32_t id : ids) Append(id);
}

IdSet PostingList::ToSet() const {
  return is_bitmap() ? IdSet::Borrow(bitmap_) : IdSet::FromAscending(ids());
}

void PostingList::AddTo(IdUnion* out) const {
  if (is_bitmap()) {
    out->AddBitmap(bitmap_);
  } else {
    out->Add(ids());
  }
}

size_t PostingList::heap_bytes() const {
  constexpr size_t kAllocationBytes = 16;
  // Measured for ids of one to three containers: headers, and arrays grown by a quarter.
  constexpr size_t kBitmapBytes = 250;
  if (is_bitmap()) return kBitmapBytes + size_ * size_t{9} / 4;
  return capacity_ == kInline ? 0 : capacity_ * sizeof(uint32_t) + kAllocationBytes;
}

}  // namespace varve::index
