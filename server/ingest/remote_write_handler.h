// POST /api/v1/write: from a remote write request to an append, and from its outcome to an answer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/http/endpoint.h"
#include "server/http/message.h"
#include "server/ingest/remote_write.h"
#include "server/ingest/remote_write_version.h"
#include "varve/database.h"

namespace varve::server {

// Thread safety: any thread; reads are not one instant.
struct IngestMetrics {
  std::atomic<uint64_t> requests_v1{0};
  std::atomic<uint64_t> requests_v2{0};
  std::atomic<uint64_t> requests_undecodable{0};
  std::atomic<uint64_t> bytes_received{0};  // compressed
  std::atomic<uint64_t> bytes_decompressed{0};
  std::atomic<uint64_t> histograms_written{0};
  std::atomic<uint64_t> histograms_refused{0};
  std::atomic<uint64_t> exemplars_written{0};
  std::atomic<uint64_t> exemplars_refused{0};
};

struct RemoteWriteOptions {
  size_t decompressed_bytes_max = size_t{64} << 20;  // more: 413
  size_t scratch_bytes_retained = size_t{8} << 20;   // per worker, between requests
};

class RemoteWriteHandler {
 public:
  // `database` is borrowed. Calls come from workers 0 .. worker_count - 1, each with one call at a
  // time.
  RemoteWriteHandler(Database* database, const RemoteWriteOptions& options, size_t worker_count);

  Response Handle(const Request& request, const CallContext& context);
  const IngestMetrics& metrics() const { return metrics_; }

 private:
  Response Write(const Request& request, RemoteWriteVersion version, RemoteWriteScratch* scratch);
  Response Answer(const AppendResult& result, RemoteWriteVersion version);

  Database* const database_;
  const RemoteWriteOptions options_;
  std::vector<std::unique_ptr<RemoteWriteScratch>> scratch_;  // by worker
  IngestMetrics metrics_;
};

}  // namespace varve::server
