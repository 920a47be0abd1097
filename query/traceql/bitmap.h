// A fixed number of bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace varve::traceql {

class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(size_t size) : size_(size), words_((size + 63) / 64) {}
  static Bitmap Full(size_t size) {
    Bitmap bits(size);
    for (uint64_t& word : bits.words_) word = ~uint64_t{0};
    if (size % 64 != 0) bits.words_.back() = (uint64_t{1} << size % 64) - 1;
    return bits;
  }

  size_t size() const { return size_; }
  bool Test(size_t i) const { return (words_[i / 64] >> i % 64 & 1) != 0; }
  void Set(size_t i) { words_[i / 64] |= uint64_t{1} << i % 64; }
  void Clear(size_t i) { words_[i / 64] &= ~(uint64_t{1} << i % 64); }
  // REQUIRES: sizes are equal.
  void And(const Bitmap& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  void AndNot(const Bitmap& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
  }
  void Or(const Bitmap& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  bool none() const {
    for (const uint64_t word : words_) {
      if (word != 0) return false;
    }
    return true;
  }
  // Calls visit(i) for every bit that is set, ascending.
  template <typename Visit>
  void VisitSet(Visit visit) const {
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
        visit(w * 64 + static_cast<size_t>(std::countr_zero(word)));
      }
    }
  }

 private:
  size_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace varve::traceql
