#include "server/remote_read/chunk_stream.h"

#include <utility>

#include "base/status_macros.h"
#include "server/remote_read/read_messages.h"

namespace varve::server {

std::unique_ptr<StreamPermit> StreamPermit::TryTake(std::atomic<size_t>* open_count, size_t limit) {
  if (open_count->fetch_add(1) >= limit) {
    open_count->fetch_sub(1);
    return nullptr;
  }
  return std::unique_ptr<StreamPermit>(new StreamPermit(open_count));
}

Result<bool> ChunkStream::Next(std::string* piece) {
  piece->clear();
  while (piece->size() < kPieceBytes) {
    if (stop_.stop_requested()) return CancelledError("the client left");
    if (chunks_ == nullptr) {
      ASSIGN_OR_RETURN(const bool found, AdvanceSeries());
      if (!found) return false;
    } else {
      AppendNextFrame(piece);
    }
  }
  return true;
}

Result<bool> ChunkStream::AdvanceSeries() {
  while (query_ < queries_.size()) {
    const ReadQuery& query = queries_[query_];
    if (cursor_ == nullptr && query.range.min_ms <= query.range.max_ms) {
      ASSIGN_OR_RETURN(cursor_, database_->Read({&query.selector, 1}, query.range));
    }
    if (cursor_ != nullptr) {
      ASSIGN_OR_RETURN(const bool found, cursor_->Next(&series_));
      if (found) {
        auto chunks = std::make_unique<SeriesChunks>(&series_);
        if (chunks->Next(&pending_)) chunks_ = std::move(chunks);
        return true;
      }
    }
    cursor_ = nullptr;
    ++query_;
  }
  return false;
}

void ChunkStream::AppendNextFrame(std::string* piece) {
  std::vector<EncodedChunk> chunks;
  size_t bytes = series_.labels.canonical_bytes().size();
  bool has_more = true;
  while (has_more && bytes < kFrameBytes) {
    bytes += pending_.data.size();
    chunks.push_back(std::move(pending_));
    pending_ = {};
    has_more = chunks_->Next(&pending_);
  }
  AppendFrame(series_.labels, chunks, query_, piece);
  if (!has_more) chunks_ = nullptr;
}

}  // namespace varve::server
