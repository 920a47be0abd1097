// One client connection. Internal to server/http: the header that knows of Asio; only session.cc
// knows of Beast.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>

#include "server/http/dispatcher.h"
#include "server/http/http_metrics.h"
#include "server/http/http_server.h"

namespace varve::server {

class Session;

// What sessions share; all of it belongs to the I/O thread.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual void Remove(Session* session) = 0;

  HttpLimits limits;
  Dispatcher* dispatcher = nullptr;
  ConnectionMetrics metrics;
  uint64_t body_bytes = 0;  // memory of the sessions' bodies
  enum class Phase { kServing, kDraining } phase = Phase::kServing;
};

// Everything but Complete runs on the I/O thread.
class Session : public Exchange, public std::enable_shared_from_this<Session> {
 public:
  // Serves the connection until it ends. The session keeps itself alive by its pending operations.
  virtual void Start() = 0;
  // Answers 503 and closes: one connection too many.
  virtual void Refuse() = 0;
  // Ends what has passed its deadline.
  virtual void CheckDeadline(int64_t now_ns) = 0;
  // Closes an idle connection; a busy one closes after its response.
  virtual void Drain() = 0;
  // Cancels the running request and closes.
  virtual void Abort() = 0;
};

std::shared_ptr<Session> NewSession(boost::asio::ip::tcp::socket socket, SessionHost* host);

}  // namespace varve::server
