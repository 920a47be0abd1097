// POST /api/v1/read: Prometheus' remote read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "server/http/message.h"
#include "server/remote_read/read_request.h"
#include "varve/database.h"

namespace varve::server {

struct RemoteReadOptions {
  size_t request_bytes_max = size_t{4} << 20;   // decompressed; more: 413
  uint64_t samples_max = 50'000'000;            // of an answer of the kind SAMPLES; more: 400
  size_t answer_bytes_max = size_t{256} << 20;  // likewise, before compression
  size_t stream_count_max = 64;                 // streams open at once; more: 503
};

class RemoteReadHandler {
 public:
  // `database` is borrowed and outlives the handler, which outlives the streams it opened.
  RemoteReadHandler(Database* database, const RemoteReadOptions& options)
      : database_(database), options_(options) {}

  // Thread safety: any thread.
  Response Handle(const Request& request);

 private:
  Response AnswerSamples(const ReadRequest& read, const std::stop_token& stop) const;
  Response AnswerChunks(ReadRequest read, const std::stop_token& stop);
  // prometheus.QueryResult of one query.
  Result<std::string> ReadSamples(const ReadQuery& query, const std::stop_token& stop,
                                  uint64_t* samples_left, size_t* bytes_left) const;

  Database* const database_;
  const RemoteReadOptions options_;
  std::atomic<size_t> open_streams_{0};
};

}  // namespace varve::server
