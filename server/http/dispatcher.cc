#include "server/http/dispatcher.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "server/http/compression.h"

namespace varve::server {
namespace {

constexpr size_t kCompressBytesMax = size_t{1} << 30;  // zlib counts in 32 bits
constexpr std::array<const char*, kLaneCount> kLaneNames = {"write", "query", "control"};

std::string JsonError(std::string_view type, std::string_view message) {
  // The messages are our own and hold nothing to escape.
  return R"({"status":"error","errorType":")" + std::string(type) + R"(","error":")" +
         std::string(message) + "\"}";
}

Response ErrorResponse(HttpStatus status, std::string_view type, std::string_view message) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = JsonError(type, message);
  return response;
}

Response RefusedResponse(const LaneOptions& lane, std::string_view message) {
  Response response = ErrorResponse(lane.refusal, "unavailable", message);
  response.AddHeader("Retry-After", "1");
  return response;
}

bool IsEncoded(const Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return header.first == "Content-Encoding"; });
}

void CompressBody(const Request& request, size_t bytes_min, Response* response) {
  if (response->stream != nullptr || IsEncoded(*response)) return;
  if (response->body.size() < bytes_min || response->body.size() > kCompressBytesMax) return;
  response->AddHeader("Vary", "Accept-Encoding");
  const ContentCoding coding = ChooseCoding(request.Header("Accept-Encoding"));
  if (coding == ContentCoding::kIdentity) return;
  response->body = Compress(coding, response->body);
  response->AddHeader("Content-Encoding", std::string(ContentCodingName(coding)));
}

}  // namespace

Dispatcher::Dispatcher(const DispatcherOptions& options, std::vector<Endpoint> endpoints)
    : options_(options),
      router_(std::move(endpoints)),
      metrics_(std::make_unique<EndpointMetrics[]>(router_.endpoints().size() + 1)) {
  for (size_t i = 0; i < kLaneCount; ++i) {
    Workers& lane = lanes_[i];
    lane.options = options.lanes[i];
    for (size_t worker = 0; worker < lane.options.worker_count; ++worker) {
      lane.threads.emplace_back([this, &lane, worker] { Work(&lane, worker); });
      pthread_setname_np(lane.threads.back().native_handle(), kLaneNames[i]);
    }
  }
}

Dispatcher::~Dispatcher() {
  for (Workers& lane : lanes_) {
    MutexLock lock(&lane.mutex);
    lane.stopping = true;
    lane.ready.NotifyAll();
  }
  for (Workers& lane : lanes_) {
    for (std::thread& thread : lane.threads) thread.join();
  }
}

Lane Dispatcher::LaneOf(std::string_view path) const {
  const Router::Match match = router_.Find(path);
  return match.endpoint == nullptr ? Lane::kControl : match.endpoint->lane;
}

void Dispatcher::Submit(std::shared_ptr<Exchange> exchange) {
  Task task{std::move(exchange), {}, options_.clock->SteadyNs()};
  const Request& request = task.exchange->request;
  task.match = router_.Find(request.path);
  if (task.match.endpoint == nullptr) {
    return Finish(task, ErrorResponse(HttpStatus::kNotFound, "not_found", "no such path"));
  }
  if (!task.match.endpoint->methods.Contains(request.method)) {
    const std::string allowed = task.match.endpoint->methods.ToString();
    Response response =
        ErrorResponse(HttpStatus::kMethodNotAllowed, "bad_data", "this path answers " + allowed);
    response.AddHeader("Allow", allowed);
    return Finish(task, std::move(response));
  }
  Workers& lane = lanes_[static_cast<size_t>(task.match.endpoint->lane)];
  {
    MutexLock lock(&lane.mutex);
    if (lane.queue.size() < lane.options.queue_size_max) {
      lane.queue.push_back(std::move(task));
      lane.ready.NotifyOne();
      return;
    }
    ++lane.refused;
  }
  Finish(task, RefusedResponse(lane.options, "too many requests are waiting"));
}

void Dispatcher::Resume(std::shared_ptr<Exchange> exchange) {
  Task task{std::move(exchange), {}, options_.clock->SteadyNs(), Task::Kind::kNextPiece};
  Workers& lane = lanes_[static_cast<size_t>(LaneOf(task.exchange->request.path))];
  MutexLock lock(&lane.mutex);
  lane.queue.push_back(std::move(task));
  lane.ready.NotifyOne();
}

void Dispatcher::Work(Workers* workers, size_t worker_index) {
  while (true) {
    Task task;
    {
      MutexLock lock(&workers->mutex);
      while (workers->queue.empty() && !workers->stopping) workers->ready.Wait(&workers->mutex);
      if (workers->queue.empty()) return;
      task = std::move(workers->queue.front());
      workers->queue.pop_front();
    }
    if (task.kind == Task::Kind::kNextPiece) {
      MakeNextPiece(task.exchange.get());
      continue;
    }
    const int64_t waited_ns = options_.clock->SteadyNs() - task.submitted_ns;
    if (waited_ns > workers->options.queue_wait_ms_max * 1'000'000) {
      {
        MutexLock lock(&workers->mutex);
        ++workers->refused;
      }
      Finish(task, RefusedResponse(workers->options, "the request waited too long for its turn"));
    } else {
      Run(task, workers->options, worker_index);
    }
  }
}

// Memory is the one thing whose want the standard library reports by exception; it must cost this
// request only.
Response Dispatcher::Call(const Task& task, size_t worker_index) const {
  try {
    Response response = task.match.endpoint->handler(task.exchange->request,
                                                     {worker_index, task.match.path_parameter});
    CompressBody(task.exchange->request, options_.compress_bytes_min, &response);
    return response;
  } catch (const std::bad_alloc&) {
    return ErrorResponse(HttpStatus::kServiceUnavailable, "unavailable", "out of memory");
  } catch (const std::exception&) {
    return ErrorResponse(HttpStatus::kInternalServerError, "internal",
                         "the handler failed unexpectedly");
  }
}

void Dispatcher::MakeNextPiece(Exchange* exchange) {
  Response& response = exchange->response;
  const auto next = [&]() -> Result<bool> {
    try {
      return response.stream->Next(&response.body);
    } catch (const std::exception& error) {
      return InternalError(error.what());
    }
  };
  const Result<bool> has_more = next();
  if (!has_more.ok()) {
    response.body.clear();
    exchange->stream = Exchange::Stream::kBroken;
  }
  if (!has_more.ok() || !*has_more) response.stream = nullptr;
  exchange->Complete();
}

void Dispatcher::Run(const Task& task, const LaneOptions& lane, size_t worker_index) {
  if (task.exchange->request.stop.stop_requested()) {
    return Finish(task, RefusedResponse(lane, "the client left before its turn"));
  }
  Finish(task, Call(task, worker_index));
}

void Dispatcher::Finish(const Task& task, Response response) {
  const size_t index =
      task.match.endpoint == nullptr ? router_.endpoints().size() : task.match.index;
  metrics_[index].Record(response.status, options_.clock->SteadyNs() - task.submitted_ns);
  task.exchange->response = std::move(response);
  task.exchange->Complete();
}

size_t Dispatcher::queue_size(Lane lane) {
  Workers& workers = lanes_[static_cast<size_t>(lane)];
  MutexLock lock(&workers.mutex);
  return workers.queue.size();
}

uint64_t Dispatcher::refused_count(Lane lane) {
  Workers& workers = lanes_[static_cast<size_t>(lane)];
  MutexLock lock(&workers.mutex);
  return workers.refused;
}

}  // namespace varve::server
