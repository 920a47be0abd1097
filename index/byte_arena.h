// ByteArena: append-only storage for many short strings. Addresses stay valid until the arena goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace varve::index {

// Thread safety: const methods may run concurrently with each other.
class ByteArena {
 public:
  std::string_view Add(std::string_view bytes) {
    if (bytes.size() > left_) Grow(bytes.size());
    char* at = next_;
    std::memcpy(at, bytes.data(), bytes.size());
    next_ += bytes.size();
    left_ -= bytes.size();
    return {at, bytes.size()};
  }
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  static constexpr size_t kChunkBytes = size_t{32} << 10;

  void Grow(size_t size_min) {
    const size_t size = std::max(kChunkBytes, size_min);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = chunks_.back().get();
    left_ = size;
    memory_bytes_ += size;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace varve::index
