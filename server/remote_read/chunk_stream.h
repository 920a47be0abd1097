// The body of a streamed remote read: frames of chunks, made as the client takes them.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "server/http/message.h"
#include "server/remote_read/read_request.h"
#include "server/remote_read/series_chunks.h"
#include "varve/database.h"

namespace varve::server {

// One of a limited number of streams; gives its place back when it goes.
class StreamPermit {
 public:
  // Null when `limit` are out. `open_count` outlives the permit.
  static std::unique_ptr<StreamPermit> TryTake(std::atomic<size_t>* open_count, size_t limit);
  ~StreamPermit() { open_count_->fetch_sub(1); }
  StreamPermit(const StreamPermit&) = delete;
  StreamPermit& operator=(const StreamPermit&) = delete;

 private:
  explicit StreamPermit(std::atomic<size_t>* open_count) : open_count_(open_count) {}
  std::atomic<size_t>* const open_count_;
};

class ChunkStream final : public BodyStream {
 public:
  // Frames end behind the chunk that fills them up to this.
  static constexpr size_t kFrameBytes = size_t{1} << 20;
  // A piece ends behind the frame that fills it up to this. Held in memory are one piece and the
  // samples of one series.
  static constexpr size_t kPieceBytes = size_t{256} << 10;

  // `database` is borrowed and outlives the stream.
  ChunkStream(Database* database, std::vector<ReadQuery> queries,
              std::unique_ptr<StreamPermit> permit, std::stop_token stop)
      : database_(database),
        queries_(std::move(queries)),
        permit_(std::move(permit)),
        stop_(std::move(stop)) {}

  Result<bool> Next(std::string* piece) override;

 private:
  // Makes series_ the next one; false behind the last one of the last query.
  Result<bool> AdvanceSeries();
  void AppendNextFrame(std::string* piece);

  Database* const database_;
  const std::vector<ReadQuery> queries_;
  const std::unique_ptr<StreamPermit> permit_;
  const std::stop_token stop_;
  size_t query_ = 0;                      // the one at hand
  std::unique_ptr<SeriesCursor> cursor_;  // of it; null: not begun
  SeriesSamples series_;
  std::unique_ptr<SeriesChunks> chunks_;  // of series_; null: all taken
  EncodedChunk pending_;                  // the next of them
};

}  // namespace varve::server
