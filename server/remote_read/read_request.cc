#include "server/remote_read/read_request.h"

#include <bit>
#include <optional>

#include "base/wire_reader.h"

namespace varve::server {
namespace {

constexpr uint32_t kQueries = WireTag(1, WireType::kBytes);
constexpr uint32_t kAcceptedType = WireTag(2, WireType::kVarint);  // not packed
constexpr uint32_t kAcceptedTypes = WireTag(2, WireType::kBytes);
constexpr uint32_t kQueryStart = WireTag(1, WireType::kVarint);
constexpr uint32_t kQueryEnd = WireTag(2, WireType::kVarint);
constexpr uint32_t kQueryMatchers = WireTag(3, WireType::kBytes);
constexpr uint32_t kMatcherType = WireTag(1, WireType::kVarint);
constexpr uint32_t kMatcherName = WireTag(2, WireType::kBytes);
constexpr uint32_t kMatcherValue = WireTag(3, WireType::kBytes);

constexpr MatchOp kMatchOps[] = {MatchOp::kEqual, MatchOp::kNotEqual, MatchOp::kRegexMatch,
                                 MatchOp::kRegexNotMatch};

Matcher DecodeMatcher(WireReader message) {
  Matcher matcher;
  while (!message.done()) {
    const uint8_t* start = message.at();
    const uint32_t tag = message.Tag();
    if (tag == kMatcherType) {
      const uint64_t type = message.Varint("a kind of matcher");
      if (type < std::size(kMatchOps)) {
        matcher.op = kMatchOps[type];
      } else {
        message.Fail(start, "a kind of matcher from 0 to 3");
      }
    } else if (tag == kMatcherName) {
      matcher.name = message.Bytes("the length of a label name");
    } else if (tag == kMatcherValue) {
      matcher.value = message.Bytes("the length of a label value");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return matcher;
}

ReadQuery DecodeQuery(WireReader message) {
  ReadQuery query;
  query.range = {0, 0};
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kQueryStart) {
      query.range.min_ms = std::bit_cast<int64_t>(message.Varint("a start time"));
    } else if (tag == kQueryEnd) {
      query.range.max_ms = std::bit_cast<int64_t>(message.Varint("an end time"));
    } else if (tag == kQueryMatchers) {
      query.selector.push_back(DecodeMatcher(message.Message("the length of a matcher")));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return query;
}

// What the client accepts, in its order of preference.
class Negotiation {
 public:
  void Offer(uint64_t type) {
    is_asked_ = true;
    if (chosen_.has_value()) return;
    if (type == static_cast<uint64_t>(ReadResponseType::kSamples)) {
      chosen_ = ReadResponseType::kSamples;
    } else if (type == static_cast<uint64_t>(ReadResponseType::kStreamedXorChunks)) {
      chosen_ = ReadResponseType::kStreamedXorChunks;
    }
  }
  Result<ReadResponseType> Outcome() const {
    if (chosen_.has_value()) return *chosen_;
    if (!is_asked_) return ReadResponseType::kSamples;
    return InvalidArgumentError(
        "server does not support any of the requested response types; supported: SAMPLES, "
        "STREAMED_XOR_CHUNKS");
  }

 private:
  bool is_asked_ = false;
  std::optional<ReadResponseType> chosen_;
};

}  // namespace

Result<ReadRequest> DecodeReadRequest(std::string_view body) {
  ReadRequest request;
  Negotiation negotiation;
  WireError error;
  WireReader message(body, &error);
  constexpr const char* kExpectedType = "a type of response";
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kQueries) {
      request.queries.push_back(DecodeQuery(message.Message("the length of a query")));
    } else if (tag == kAcceptedType) {
      negotiation.Offer(message.Varint(kExpectedType));
    } else if (tag == kAcceptedTypes) {
      WireReader types = message.Message("the length of the types of response");
      while (!types.done()) negotiation.Offer(types.Varint(kExpectedType));
    } else if (!error.failed()) {
      message.Skip(tag);
    }
    if (error.failed()) return WireErrorStatus(error, body);
  }
  Result<ReadResponseType> type = negotiation.Outcome();
  if (!type.ok()) return type.status();
  request.response_type = *type;
  return request;
}

}  // namespace varve::server
