#include "server/http/http_server.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>
#include <future>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/http/session.h"

namespace varve::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 512;
constexpr int64_t kAcceptRetryMs = 100;
// Beyond the limit so many more connections are told why they are refused; others are just closed.
constexpr size_t kRefusalsMax = 64;

Result<tcp::endpoint> ParseAddress(const std::string& address) {
  const auto malformed = [&address](std::string_view why) {
    return InvalidArgumentError("listen address \"" + address + "\": " + std::string(why) +
                                "; expected host:port, [IPv6]:port or :port");
  };
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return malformed("no port");
  const std::string port_text = address.substr(colon + 1);
  uint16_t port = 0;
  const char* end = port_text.data() + port_text.size();
  const auto [at, error] = std::from_chars(port_text.data(), end, port);
  if (error != std::errc() || at != end) return malformed("the port is no number up to 65535");
  std::string host = address.substr(0, colon);
  if (host.empty()) return tcp::endpoint(tcp::v6(), port);  // dual stack: IPv4 too
  if (host == "localhost") host = "127.0.0.1";
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  error_code bad;
  const auto ip = asio::ip::make_address(host, bad);
  if (bad) return malformed("the host is no IP address");
  return tcp::endpoint(ip, port);
}

class HttpServerImpl final : public HttpServer, private SessionHost {
 public:
  HttpServerImpl(const HttpLimits& server_limits, LogFunction log)
      : log_(std::move(log)), acceptor_(io_), sweep_timer_(io_), retry_timer_(io_) {
    limits = server_limits;
  }
  ~HttpServerImpl() override { Stop(0); }

  Status Open(const std::string& address);
  Status Start(std::shared_ptr<Dispatcher> dispatcher_shared) override;
  void Stop(int64_t drain_ms) override;
  std::string address() const override { return address_; }
  const ConnectionMetrics& connection_metrics() const override { return metrics; }

 private:
  void Accept();
  void OnAccepted(error_code error, tcp::socket socket);
  void Sweep();
  void Remove(Session* session) override;
  // Runs `body` on the I/O thread and waits for it.
  void RunOnIoThread(const std::function<void()>& body);

  // Destroyed last: sessions that a worker still holds close their sockets on it.
  asio::io_context io_{1};
  const LogFunction log_;
  tcp::acceptor acceptor_;
  asio::steady_timer sweep_timer_;
  asio::steady_timer retry_timer_;
  std::string address_;
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
  std::promise<void> all_gone_;
  std::shared_ptr<Dispatcher> dispatcher_;
  std::thread io_thread_;
};

Status HttpServerImpl::Open(const std::string& address) {
  ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseAddress(address));
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == tcp::v6() && endpoint.address().is_unspecified()) {
    acceptor_.set_option(asio::ip::v6_only(false), error);
  }
  if (!error) acceptor_.bind(endpoint, error);
  if (error) return IoError("cannot listen on " + address + ": " + error.message());
  const tcp::endpoint bound = acceptor_.local_endpoint(error);
  if (error) return IoError("cannot listen on " + address + ": " + error.message());
  const std::string host = bound.address().to_string();
  address_ =
      (bound.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(bound.port());
  return OkStatus();
}

Status HttpServerImpl::Start(std::shared_ptr<Dispatcher> dispatcher_shared) {
  VARVE_CHECK(dispatcher_ == nullptr);
  dispatcher_ = std::move(dispatcher_shared);
  dispatcher = dispatcher_.get();
  error_code error;
  acceptor_.listen(kBacklog, error);
  if (error) return IoError("cannot listen on " + address_ + ": " + error.message());
  Accept();
  Sweep();
  io_thread_ = std::thread([this] { io_.run(); });
  pthread_setname_np(io_thread_.native_handle(), "http-io");
  return OkStatus();
}

void HttpServerImpl::Accept() {
  acceptor_.async_accept(
      [this](error_code error, tcp::socket socket) { OnAccepted(error, std::move(socket)); });
}

void HttpServerImpl::OnAccepted(error_code error, tcp::socket socket) {
  if (phase == Phase::kDraining || error == asio::error::operation_aborted) return;
  if (error) {
    // Out of descriptors, most likely: the connections there are go on, and some will end.
    log_(LogLevel::kError, "cannot accept a connection: " + error.message());
    retry_timer_.expires_after(std::chrono::milliseconds(kAcceptRetryMs));
    retry_timer_.async_wait([this](error_code stopped) {
      if (!stopped) Accept();
    });
    return;
  }
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  if (sessions_.size() >= limits.connection_count_max + kRefusalsMax) {
    metrics.refused.fetch_add(1, std::memory_order_relaxed);
    socket.close(ignored);
    return Accept();
  }
  const size_t open = sessions_.size();
  std::shared_ptr<Session> session = NewSession(std::move(socket), this);
  sessions_.emplace(session.get(), session);
  metrics.open.store(sessions_.size(), std::memory_order_relaxed);
  if (open >= limits.connection_count_max) {
    metrics.refused.fetch_add(1, std::memory_order_relaxed);
    session->Refuse();
  } else {
    metrics.accepted.fetch_add(1, std::memory_order_relaxed);
    session->Start();
  }
  Accept();
}

// Deadlines are looked at from here, a few times within the shortest, so that a request costs no
// timer of its own.
void HttpServerImpl::Sweep() {
  const int64_t shortest_ms = std::min({limits.idle_timeout_ms, limits.header_timeout_ms,
                                        limits.body_timeout_ms, limits.write_timeout_ms});
  sweep_timer_.expires_after(
      std::chrono::milliseconds(std::clamp<int64_t>(shortest_ms / 4, 10, 500)));
  sweep_timer_.async_wait([this](error_code stopped) {
    if (stopped) return;
    const int64_t now_ns = Clock::System()->SteadyNs();
    std::vector<std::shared_ptr<Session>> sessions;  // a session that ends leaves the map
    sessions.reserve(sessions_.size());
    for (const auto& [key, session] : sessions_) sessions.push_back(session);
    for (const auto& session : sessions) session->CheckDeadline(now_ns);
    Sweep();
  });
}

void HttpServerImpl::Remove(Session* session) {
  sessions_.erase(session);
  metrics.open.store(sessions_.size(), std::memory_order_relaxed);
  if (phase == Phase::kDraining && sessions_.empty()) all_gone_.set_value();
}

void HttpServerImpl::RunOnIoThread(const std::function<void()>& body) {
  std::promise<void> done;
  asio::post(io_, [&] {
    body();
    done.set_value();
  });
  done.get_future().wait();
}

void HttpServerImpl::Stop(int64_t drain_ms) {
  if (!io_thread_.joinable()) return;
  std::future<void> all_gone = all_gone_.get_future();
  const auto each_session = [this](void (Session::*action)()) {
    std::vector<std::shared_ptr<Session>> sessions;
    for (const auto& [key, session] : sessions_) sessions.push_back(session);
    for (const auto& session : sessions) (session.get()->*action)();
  };
  RunOnIoThread([&] {
    error_code ignored;
    acceptor_.close(ignored);
    retry_timer_.cancel();
    if (sessions_.empty()) all_gone_.set_value();
    phase = Phase::kDraining;
    each_session(&Session::Drain);
  });
  if (all_gone.wait_for(std::chrono::milliseconds(drain_ms)) != std::future_status::ready) {
    RunOnIoThread([&] { each_session(&Session::Abort); });
  }
  // Handlers that run on finish here, while the I/O thread still takes their outcome.
  dispatcher_.reset();
  dispatcher = nullptr;
  RunOnIoThread([this] { sweep_timer_.cancel(); });
  io_.stop();
  io_thread_.join();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Bind(const std::string& address,
                                                     const HttpLimits& limits, LogFunction log) {
  auto server = std::make_unique<HttpServerImpl>(limits, std::move(log));
  RETURN_IF_ERROR(server->Open(address));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace varve::server
