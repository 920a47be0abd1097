#include "engine/traces/service_graph.h"

#include <bit>
#include <utility>

namespace varve::engine {
namespace {

constexpr double kNsPerS = 1e9;

std::string KeyOf(std::string_view trace_id, std::string_view span_id, char side) {
  std::string key(trace_id);
  key += span_id;
  key += side;
  return key;
}

}  // namespace

bool ServiceGraph::Observe(const SpanObservation& span, int64_t now_ms, ServiceCall* call) {
  const bool is_client = span.kind == kSpanKindClient || span.kind == kSpanKindProducer;
  const bool is_server = span.kind == kSpanKindServer || span.kind == kSpanKindConsumer;
  if (!is_client && !is_server) return false;
  if (is_server && span.parent_span_id.empty()) return false;
  End end;
  end.is_client = is_client;
  end.failed = span.status == kStatusError;
  end.is_messaging = span.kind == kSpanKindProducer || span.kind == kSpanKindConsumer;
  end.seconds = static_cast<double>(span.duration_ns) / kNsPerS;
  end.service = span.service;
  end.peer = span.peer;
  end.trace_id = span.trace_id;
  if (span.peer_kind == SpanObservation::Peer::kDatabase) {  // a database sends no spans
    call->connection = ServiceCall::Connection::kDatabase;
    call->client = std::move(end.service);
    call->server = std::move(end.peer);
    call->failed = end.failed;
    call->client_seconds = end.seconds;
    call->server_seconds = 0;
    call->has_server = false;
    call->trace_id = std::move(end.trace_id);
    return true;
  }
  const std::string_view client_id = is_client ? span.span_id : span.parent_span_id;
  const auto other = ends_.find(KeyOf(span.trace_id, client_id, is_client ? 's' : 'c'));
  if (other == ends_.end()) {
    std::string key = KeyOf(span.trace_id, client_id, is_client ? 'c' : 's');
    if (ends_.size() >= limits_.waiting_max) return false;
    // One call may have several servers that wait for their client: the last one counts.
    if (ends_.insert_or_assign(key, std::move(end)).second) {
      deadlines_.push_back({now_ms + limits_.wait_ms, std::move(key)});
    }
    return false;
  }
  const End& client = is_client ? end : other->second;
  const End& server = is_client ? other->second : end;
  call->connection = client.is_messaging && server.is_messaging
                         ? ServiceCall::Connection::kMessaging
                         : ServiceCall::Connection::kService;
  call->client = client.service;
  call->server = server.service;
  call->failed = client.failed || server.failed;
  call->client_seconds = client.seconds;
  call->server_seconds = server.seconds;
  call->has_server = true;
  call->trace_id = server.trace_id;
  ends_.erase(other);
  return true;
}

bool ServiceGraph::TakeExpired(int64_t now_ms, ServiceCall* call) {
  while (!deadlines_.empty() && deadlines_.front().at_ms <= now_ms) {
    const std::string key = std::move(deadlines_.front().key);
    deadlines_.pop_front();
    const auto found = ends_.find(key);
    if (found == ends_.end()) continue;
    End end = std::move(found->second);
    ends_.erase(found);
    *call = ServiceCall();
    if (!end.is_client || end.peer.empty()) return true;
    call->connection = ServiceCall::Connection::kVirtual;
    call->client = std::move(end.service);
    call->server = std::move(end.peer);
    call->failed = end.failed;
    call->client_seconds = end.seconds;
    call->trace_id = std::move(end.trace_id);
    return true;
  }
  return false;
}

void ServiceGraph::Encode(std::string* out) const {
  std::string entries;
  uint64_t count = 0;
  for (const Deadline& deadline : deadlines_) {
    const auto found = ends_.find(deadline.key);
    if (found == ends_.end()) continue;
    const End& end = found->second;
    ++count;
    AppendLengthPrefixed(&entries, deadline.key);
    AppendVarint(&entries, static_cast<uint64_t>(deadline.at_ms));
    entries += static_cast<char>((end.is_client ? 1 : 0) | (end.failed ? 2 : 0) |
                                 (end.is_messaging ? 4 : 0));
    AppendFixed(&entries, std::bit_cast<uint64_t>(end.seconds));
    AppendLengthPrefixed(&entries, end.service);
    AppendLengthPrefixed(&entries, end.peer);
  }
  AppendVarint(out, count);
  *out += entries;
}

bool ServiceGraph::Decode(ByteReader* reader) {
  const uint64_t count = reader->Varint();
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    std::string key(reader->LengthPrefixed());
    const auto at_ms = static_cast<int64_t>(reader->Varint());
    const auto flags = reader->Fixed<uint8_t>();
    End end;
    end.is_client = (flags & 1) != 0;
    end.failed = (flags & 2) != 0;
    end.is_messaging = (flags & 4) != 0;
    end.seconds = std::bit_cast<double>(reader->Fixed<uint64_t>());
    end.service = reader->LengthPrefixed();
    end.peer = reader->LengthPrefixed();
    if (!reader->ok() || key.size() != format::kTraceIdBytes + format::kSpanIdBytes + 1) {
      return false;
    }
    end.trace_id = key.substr(0, format::kTraceIdBytes);
    ends_.insert_or_assign(key, std::move(end));
    deadlines_.push_back({at_ms, std::move(key)});
  }
  return reader->ok();
}

}  // namespace varve::engine
