// SealedChunk: a finished chunk of the head, immutable and shared between the head, the flush that
// writes it and the read views that look at it.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "storage/format/chunk.h"

namespace varve::engine {

// In which order a chunk's samples arrived relative to its series' newest sample.
enum class Arrival : uint8_t {
  kInOrder = 0,  // each newer than everything before it
  kLate = 1,     // not newer than the series' newest sample then
};

struct PayloadFree {
  void operator()(uint8_t* payload) const { std::free(payload); }
};
// malloc'ed, so that an open chunk may grow by realloc.
using Payload = std::unique_ptr<uint8_t[], PayloadFree>;

// Reference-counted by SealedChunkPtr. Chunks of a series form a list from the newest sealed to the
// oldest; `older` and the list heads are guarded by the head's visibility lock, the rest never
// changes.
struct SealedChunk {
  std::atomic<uint32_t> references{0};
  uint32_t payload_bytes = 0;
  int64_t min_time_ms = 0;
  int64_t max_time_ms = 0;
  const uint8_t* payload = nullptr;  // `owned`, or bytes of a mapped checkpoint
  Payload owned;
  SealedChunk* older = nullptr;  // holds a reference
  uint16_t sample_count = 0;
  Arrival arrival = Arrival::kInOrder;
  format::ChunkCodec codec = format::ChunkCodec::kGorilla;

  format::ChunkView View() const {
    return {codec,
            sample_count,
            min_time_ms,
            max_time_ms,
            {reinterpret_cast<const char*>(payload), payload_bytes}};
  }
};

class SealedChunkPtr {
 public:
  SealedChunkPtr() = default;
  explicit SealedChunkPtr(SealedChunk* chunk) : chunk_(chunk) { Acquire(chunk_); }
  SealedChunkPtr(const SealedChunkPtr& other) : SealedChunkPtr(other.chunk_) {}
  SealedChunkPtr(SealedChunkPtr&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  SealedChunkPtr& operator=(SealedChunkPtr other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~SealedChunkPtr() { Release(chunk_); }
  SealedChunk* get() const { return chunk_; }
  SealedChunk* operator->() const { return chunk_; }
  SealedChunk& operator*() const { return *chunk_; }
  explicit operator bool() const { return chunk_ != nullptr; }

  static void Acquire(SealedChunk* chunk) {
    if (chunk != nullptr) chunk->references.fetch_add(1, std::memory_order_relaxed);
  }
  // Iterative, since a list may be long.
  static void Release(SealedChunk* chunk) {
    while (chunk != nullptr && chunk->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      SealedChunk* older = chunk->older;
      delete chunk;
      chunk = older;
    }
  }

 private:
  SealedChunk* chunk_ = nullptr;
};

}  // namespace varve::engine
