#include "index/part_series.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status_macros.h"
#include "index/part_index_keys.h"
#include "index/series_block.h"

namespace varve::index {
namespace {

// No series has so many label bytes; damaged blocks might claim them.
constexpr size_t kLabelBytesMax = size_t{64} << 20;

// From so many blocks on, walking beats separate reads.
constexpr size_t kCursorBlocksMin = 4;

Result<kv::PinnedBytes> GetPiece(const kv::Part& part, const std::string& key,
                                 const std::string& what) {
  auto bytes = part.Get(kv::Family::kSeries, key);
  if (bytes.ok()) return bytes;
  // The summary vouches for every piece, so an absent one is a loss.
  if (bytes.status().code() == StatusCode::kNotFound)
    return InPart(part, what, DataLossError("missing"));
  return InPart(part, what, bytes.status());
}

std::string BlockName(uint32_t block) { return "series block " + std::to_string(block); }
std::string ChunkName(uint32_t chunk) { return "pair chunk " + std::to_string(chunk); }

size_t CountBlocks(std::span<const uint32_t> ordinals, size_t enough) {
  size_t count = 0;
  uint32_t last = UINT32_MAX;
  for (size_t i = 0; i < ordinals.size() && count < enough; ++i) {
    if (ordinals[i] / kSeriesPerBlock != last) ++count;
    last = ordinals[i] / kSeriesPerBlock;
  }
  return count;
}

}  // namespace

Status InPart(const kv::Part& part, const std::string& what, const Status& status) {
  return status.WithContext("part " + std::to_string(part.info().part_id) + ", " + what);
}

// Yields the bytes of blocks in ascending order.
class PartSeries::BlockSource {
 public:
  BlockSource(const kv::Part& part, size_t block_count) : part_(part) {
    if (block_count >= kCursorBlocksMin) cursor_ = part.NewCursor(kv::Family::kSeries);
  }

  // Valid until the next call.
  Result<std::string_view> Read(uint32_t block) {
    const std::string key = SeriesBlockKey(block);
    if (cursor_ == nullptr) {
      ASSIGN_OR_RETURN(bytes_, GetPiece(part_, key, BlockName(block)));
      return bytes_.view();
    }
    if (next_block_ == block) {
      cursor_->Next();
    } else {
      cursor_->Seek(key);
    }
    next_block_ = uint64_t{block} + 1;
    if (!cursor_->Valid() || cursor_->key() != key) {
      const Status status = cursor_->status();
      return InPart(part_, BlockName(block), status.ok() ? DataLossError("missing") : status);
    }
    return cursor_->value();
  }

 private:
  const kv::Part& part_;
  std::unique_ptr<kv::PartCursor> cursor_;
  kv::PinnedBytes bytes_;
  uint64_t next_block_ = UINT64_MAX;
};

// Puts label bytes together, reusing what one series shares with the one before.
class PartSeries::LabelAssembler {
 public:
  explicit LabelAssembler(const PartSeries& series) : series_(series) {}

  // The first `shared` pairs of the series to come are those of the last one; to be called for each
  // series passed.
  void Keep(size_t shared) { kept_ = std::min(kept_, shared); }

  Result<std::string_view> Assemble(std::span<const uint32_t> pairs) {
    labels_.resize(kept_ == 0 ? 0 : ends_[kept_ - 1]);
    ends_.resize(kept_);
    for (; kept_ < pairs.size(); ++kept_) {
      const uint32_t number = pairs[kept_];
      ASSIGN_OR_RETURN(const PairChunk* chunk, series_.Chunk(number / kPairsPerChunk));
      labels_.append(chunk->pair(number % kPairsPerChunk));
      if (labels_.size() > kLabelBytesMax)
        return DataLossError("a series has too many label bytes");
      ends_.push_back(labels_.size());
    }
    return std::string_view(labels_);
  }

 private:
  const PartSeries& series_;
  std::string labels_;
  std::vector<size_t> ends_;  // of each pair in labels_
  size_t kept_ = 0;           // pairs in labels_ that are still right
};

Result<std::unique_ptr<PartSeries>> PartSeries::Open(const kv::Part* part) {
  ASSIGN_OR_RETURN(const kv::PinnedBytes bytes, GetPiece(*part, SummaryKey(), "series summary"));
  const Result<PartSummary> summary = DecodePartSummary(bytes.view());
  if (!summary.ok()) return InPart(*part, "series summary", summary.status());
  std::unique_ptr<PartSeries> series(new PartSeries(part, *summary));
  if (summary->pair_count == 0) return series;
  const uint32_t chunk_count = (summary->pair_count - 1) / kPairsPerChunk + 1;
  // Loaded before the directory is sized, so that a wrong count costs no memory.
  ASSIGN_OR_RETURN(const PairChunk* last, series->LoadChunk(chunk_count - 1));
  std::unique_ptr<const PairChunk> owned_last(last);
  series->chunk_count_ = chunk_count;
  series->chunks_ = std::make_unique<std::atomic<const PairChunk*>[]>(chunk_count);
  series->chunks_[chunk_count - 1].store(owned_last.release(), std::memory_order_release);
  return series;
}

PartSeries::~PartSeries() {
  for (uint32_t i = 0; i < chunk_count_; ++i) delete chunks_[i].load(std::memory_order_relaxed);
}

Result<const PairChunk*> PartSeries::LoadChunk(uint32_t chunk) const {
  ASSIGN_OR_RETURN(const kv::PinnedBytes bytes,
                   GetPiece(*part_, PairChunkKey(chunk), ChunkName(chunk)));
  Result<PairChunk> decoded = PairChunk::Decode(bytes.view());
  if (!decoded.ok()) return InPart(*part_, ChunkName(chunk), decoded.status());
  const uint32_t expected = std::min(kPairsPerChunk, summary_.pair_count - chunk * kPairsPerChunk);
  if (decoded->size() != expected) {
    return InPart(*part_, ChunkName(chunk),
                  DataLossError(std::to_string(decoded->size()) + " pairs instead of " +
                                std::to_string(expected)));
  }
  return static_cast<const PairChunk*>(new PairChunk(std::move(decoded).value()));
}

Result<const PairChunk*> PartSeries::Chunk(uint32_t chunk) const {
  VARVE_CHECK(chunk < chunk_count_);
  std::atomic<const PairChunk*>& slot = chunks_[chunk];
  const PairChunk* known = slot.load(std::memory_order_acquire);
  if (known != nullptr) return known;
  ASSIGN_OR_RETURN(const PairChunk* loaded, LoadChunk(chunk));
  if (slot.compare_exchange_strong(known, loaded, std::memory_order_acq_rel)) return loaded;
  delete loaded;  // another thread was faster
  return known;
}

Status PartSeries::VisitLabels(std::span<const uint32_t> ordinals,
                               const std::function<void(size_t, std::string_view)>& visit) const {
  BlockSource blocks(*part_, CountBlocks(ordinals, kCursorBlocksMin));
  LabelAssembler assembler(*this);
  for (size_t first = 0; first < ordinals.size();) {
    VARVE_CHECK(ordinals[first] < summary_.series_count);
    const uint32_t block = ordinals[first] / kSeriesPerBlock;
    size_t end = first + 1;
    while (end < ordinals.size() && ordinals[end] / kSeriesPerBlock == block) ++end;
    ASSIGN_OR_RETURN(const std::string_view bytes, blocks.Read(block));
    Status status =
        VisitBlock(block, bytes, ordinals.subspan(first, end - first), first, &assembler, visit);
    if (!status.ok()) return InPart(*part_, BlockName(block), status);
    first = end;
  }
  return OkStatus();
}

Status PartSeries::VisitBlock(uint32_t block, std::string_view bytes,
                              std::span<const uint32_t> ordinals, size_t first,
                              LabelAssembler* assembler,
                              const std::function<void(size_t, std::string_view)>& visit) const {
  ASSIGN_OR_RETURN(SeriesBlockDecoder decoder, SeriesBlockDecoder::Parse(bytes));
  const uint32_t base = block * kSeriesPerBlock;
  const uint32_t expected = std::min(kSeriesPerBlock, summary_.series_count - base);
  if (decoder.series_count() != expected) {
    return DataLossError(std::to_string(decoder.series_count()) + " series instead of " +
                         std::to_string(expected));
  }
  uint64_t next = base;
  for (size_t i = 0; i < ordinals.size(); ++i) {
    VARVE_CHECK(ordinals[i] >= next);
    for (; next <= ordinals[i]; ++next) {
      RETURN_IF_ERROR(decoder.Next(summary_.pair_count));
      assembler->Keep(decoder.shared());
    }
    ASSIGN_OR_RETURN(const std::string_view labels, assembler->Assemble(decoder.pairs()));
    visit(first + i, labels);
  }
  return OkStatus();
}

}  // namespace varve::index
