// Arena: memory handed out in small pieces and given back all at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace varve {

// Pieces are bytes without alignment and stay where they are until the arena dies. Thread safety:
// none.
class Arena {
 public:
  char* Allocate(size_t size) {
    if (size > left_) Grow(size);
    char* piece = next_;
    next_ += size;
    left_ -= size;
    return piece;
  }
  std::string_view Copy(std::string_view bytes) {
    char* piece = Allocate(bytes.size());
    std::memcpy(piece, bytes.data(), bytes.size());
    return {piece, bytes.size()};
  }
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;
  void Grow(size_t size) {
    const size_t block = size > kBlockBytes / 4 ? size : kBlockBytes;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block));
    memory_bytes_ += block;
    next_ = blocks_.back().get();
    left_ = block;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace varve
