// SpanHead: the spans that are in the journal and not in a part yet.
//
// What arrives is kept as it came until there is enough for a block, which is encoded in the
// background; a query encodes the rest for itself, once per state.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "storage/format/span_block.h"
#include "varve/status.h"

namespace varve::engine {

// A block in memory. Immutable. Thread safety: any thread.
class HeadSpanBlock {
 public:
  static Result<std::shared_ptr<const HeadSpanBlock>> Make(format::SpanBlockBytes bytes);
  // Names the block as long as the process runs.
  uint64_t id() const { return id_; }
  const format::SpanBlockHeader& header() const { return header_; }
  const format::SpanBlockBytes& bytes() const { return bytes_; }
  size_t memory_bytes() const { return memory_bytes_; }
  // Trace ids, 16 bytes each, ascending.
  std::string_view trace_ids() const { return Column(format::SpanColumn::kTraceIds); }
  bool HasTrace(std::string_view trace_id) const;
  // The block must outlive what is opened.
  Result<format::SpanBlock> Open() const;

 private:
  explicit HeadSpanBlock(format::SpanBlockBytes bytes);
  std::string_view Column(format::SpanColumn column) const;

  const uint64_t id_;
  const format::SpanBlockBytes bytes_;
  format::SpanBlockHeader header_;
  size_t memory_bytes_ = 0;
};

using HeadSpanBlocks = std::vector<std::shared_ptr<const HeadSpanBlock>>;

// Thread safety: all methods from any thread.
class SpanHead {
 public:
  static constexpr size_t kBlockRows = 32'768;

  SpanHead();
  ~SpanHead();

  // Adds the spans of a TracesData message. kDataLoss when it is none; nothing is added then.
  Status Add(std::shared_ptr<const std::string> body) EXCLUDES(mutex_);
  // Encodes what fills whole blocks.
  Status SealDue() EXCLUDES(seal_mutex_, mutex_);
  // Everything, frozen spans included.
  Result<HeadSpanBlocks> Blocks() EXCLUDES(seal_mutex_, mutex_);

  // Sets aside everything that was added, to be written into a part; it stays visible until
  // DropFrozen. Together with what an earlier Freeze set aside that was not dropped.
  void Freeze() EXCLUDES(mutex_);
  // What was frozen, in blocks; encodes those that are not yet.
  Result<HeadSpanBlocks> FrozenBlocks() EXCLUDES(seal_mutex_, mutex_);
  // What was frozen is in parts now.
  void DropFrozen() EXCLUDES(mutex_);

  uint64_t span_count() const { return span_count_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }  // of memory, about

 private:
  struct Pending;
  using Pendings = std::vector<std::shared_ptr<const Pending>>;
  struct Generation {
    HeadSpanBlocks blocks;
    Pendings pending;
    size_t pending_rows = 0;
  };

  static Result<HeadSpanBlocks> Encode(const Pendings& pending);
  // Encodes the first of `generation`'s pending bodies that make `rows_min` rows, all of them with
  // 0.
  Status Seal(Generation* generation, size_t rows_min) REQUIRES(seal_mutex_) EXCLUDES(mutex_);
  void Recount() REQUIRES(mutex_);

  Mutex seal_mutex_;  // taken before mutex_
  Mutex mutex_;
  Generation active_ GUARDED_BY(mutex_);
  Generation frozen_ GUARDED_BY(mutex_);
  uint64_t epoch_ GUARDED_BY(mutex_) = 0;  // grows when bodies leave a generation otherwise
  // Of active_.pending, while `tail_last_` is the last of it.
  HeadSpanBlocks tail_ GUARDED_BY(mutex_);
  const Pending* tail_last_ GUARDED_BY(mutex_) = nullptr;
  std::atomic<uint64_t> span_count_{0};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace varve::engine
