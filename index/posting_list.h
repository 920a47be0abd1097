// PostingList: the series of one label pair in the head, 16 bytes wherever that suffices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "index/id_set.h"

namespace varve::index {

// Ascending ids: up to two inline, then a sorted array, then a roaring bitmap.
// Thread safety: const methods may run concurrently with each other.
class PostingList {
 public:
  PostingList() : capacity_(kInline), inline_{} {}
  ~PostingList() { Release(); }
  PostingList(PostingList&& other) noexcept;
  PostingList& operator=(PostingList&& other) noexcept;

  size_t size() const { return size_; }
  // REQUIRES: id is above every id in the list.
  void Append(uint32_t id);
  // Ids that are not in the list are ignored. REQUIRES: `ids` ascend.
  void Remove(std::span<const uint32_t> ids);

  // Borrows from the list where it can; valid until the list changes.
  IdSet ToSet() const;
  void AddTo(IdUnion* out) const;
  // Heap bytes; an estimate for bitmaps.
  size_t heap_bytes() const;

 private:
  static constexpr uint32_t kInline = 2;
  static constexpr uint32_t kArrayMax = 128;       // ids; more are a bitmap
  static constexpr uint32_t kBitmap = UINT32_MAX;  // value of capacity_

  bool is_bitmap() const { return capacity_ == kBitmap; }
  std::span<const uint32_t> ids() const {  // REQUIRES: !is_bitmap()
    return {capacity_ == kInline ? inline_ : array_, size_};
  }
  void Release();
  void Assign(std::span<const uint32_t> ids);

  uint32_t size_ = 0;
  uint32_t capacity_;
  union {
    uint32_t inline_[kInline];
    uint32_t* array_;
    roaring_bitmap_t* bitmap_;
  };
};
static_assert(sizeof(PostingList) == 16);

}  // namespace varve::index
