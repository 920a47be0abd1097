// From a parsed request to its handler: routing, admission, workers, compression, counting.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "server/http/http_metrics.h"
#include "server/http/message.h"
#include "server/http/router.h"

namespace varve::server {

// One request on its way through the server. The dispatcher reads `request` and fills `response`.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // Called once per Submit, when `response` is set, from any thread (also from within Submit), and
  // once per Resume, when the next piece of a streamed body stands in `response.body`.
  virtual void Complete() = 0;

  Request request;
  Response response;  // without a stream once its last piece is made
  // Set by a Resume whose piece could not be made; there is no body then.
  enum class Stream { kWhole, kBroken } stream = Stream::kWhole;
};

struct LaneOptions {
  size_t worker_count = 1;
  size_t queue_size_max = 64;          // waiting beyond that: refused at once
  int64_t queue_wait_ms_max = 30'000;  // waited longer than that: refused instead of run
  HttpStatus refusal = HttpStatus::kServiceUnavailable;  // kTooManyRequests or kServiceUnavailable
};

struct DispatcherOptions {
  std::array<LaneOptions, kLaneCount> lanes;  // by Lane
  size_t compress_bytes_min = 1400;           // a body that fits one packet gains nothing
  const Clock* clock = Clock::System();
};

// Thread safety: all methods from any thread.
class Dispatcher {
 public:
  Dispatcher(const DispatcherOptions& options, std::vector<Endpoint> endpoints);
  // Runs what is queued, then joins the workers.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // The lane that Submit would choose; kControl for unknown paths.
  Lane LaneOf(std::string_view path) const;
  void Submit(std::shared_ptr<Exchange> exchange);
  // Has the next piece of the response's stream made, by the lane that made its beginning. The
  // piece waits for its turn there but is never refused. REQUIRES: response.stream.
  void Resume(std::shared_ptr<Exchange> exchange);

  const Router& router() const { return router_; }
  const EndpointMetrics& endpoint_metrics(size_t index) const { return metrics_[index]; }
  // Requests for paths or methods that do not exist.
  const EndpointMetrics& unrouted_metrics() const { return metrics_[router_.endpoints().size()]; }
  size_t queue_size(Lane lane);
  uint64_t refused_count(Lane lane);

 private:
  struct Task {
    std::shared_ptr<Exchange> exchange;
    Router::Match match;
    int64_t submitted_ns = 0;
    enum class Kind { kRequest, kNextPiece } kind = Kind::kRequest;
  };
  struct Workers {
    LaneOptions options;
    Mutex mutex;
    CondVar ready;
    std::deque<Task> queue GUARDED_BY(mutex);
    uint64_t refused GUARDED_BY(mutex) = 0;
    bool stopping GUARDED_BY(mutex) = false;
    std::vector<std::thread> threads;
  };

  void Work(Workers* workers, size_t worker_index);
  static void MakeNextPiece(Exchange* exchange);
  void Run(const Task& task, const LaneOptions& lane, size_t worker_index);
  void Finish(const Task& task, Response response);
  Response Call(const Task& task, size_t worker_index) const;

  const DispatcherOptions options_;
  const Router router_;
  const std::unique_ptr<EndpointMetrics[]> metrics_;  // by endpoint; one more for the unrouted
  std::array<Workers, kLaneCount> lanes_;
};

}  // namespace varve::server
