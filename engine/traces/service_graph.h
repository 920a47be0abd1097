// ServiceGraph: finds the two ends of calls, which are spans of different services and arrive in
// different messages, in either order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/hash.h"
#include "engine/traces/span_observation.h"

namespace varve::engine {

// A call from one service to another, to a database, or to something that sends no spans.
struct ServiceCall {
  enum class Connection : uint8_t { kService, kMessaging, kDatabase, kVirtual };
  Connection connection = Connection::kService;
  std::string client;
  std::string server;
  bool failed = false;
  double client_seconds = 0;
  double server_seconds = 0;
  bool has_server = false;  // and so server_seconds
  std::string trace_id;     // 16 bytes
};

// Thread safety: none.
class ServiceGraph {
 public:
  struct Limits {
    int64_t wait_ms = 10'000;      // for the other end of a call
    size_t waiting_max = 500'000;  // ends; about 250 bytes each
  };
  explicit ServiceGraph(const Limits& limits) : limits_(limits) {}

  // A span that arrived at `now_ms`. True when it completes a call.
  bool Observe(const SpanObservation& span, int64_t now_ms, ServiceCall* call);
  // Takes an end whose other end did not come in time. False: there is none. `call` is empty where
  // nobody can say who was called.
  bool TakeExpired(int64_t now_ms, ServiceCall* call);
  size_t waiting() const { return ends_.size(); }

  // What waits, for Decode in another process. Layout: docs/FORMATS.md, "Span state".
  void Encode(std::string* out) const;
  // Adds it to what waits. False when it cannot be read.
  bool Decode(ByteReader* reader);

 private:
  struct End {
    bool is_client = false;
    bool failed = false;
    bool is_messaging = false;
    double seconds = 0;
    std::string service;
    std::string peer;  // of a client: what it says it calls
    std::string trace_id;
  };
  struct Deadline {
    int64_t at_ms;
    std::string key;
  };

  const Limits limits_;
  struct HashOfText {
    size_t operator()(const std::string& text) const { return Hash64(text); }
  };
  std::unordered_map<std::string, End, HashOfText>
      ends_;                        // by trace id, span id of the client, side
  std::deque<Deadline> deadlines_;  // ascending
};

}  // namespace varve::engine
