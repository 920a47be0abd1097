// prometheus.ReadRequest, the question of remote read
// (https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "varve/database.h"
#include "varve/status.h"

namespace varve::server {

struct ReadQuery {
  TimeRange range;
  Selector selector;
};

enum class ReadResponseType : uint8_t { kSamples = 0, kStreamedXorChunks = 1 };

struct ReadRequest {
  std::vector<ReadQuery> queries;
  ReadResponseType response_type = ReadResponseType::kSamples;  // the first wanted that is spoken
};

// `body`: the decompressed message. kInvalidArgument, naming the byte and what was expected, for
// anything that is none; also for unknown kinds of matchers, and when no wanted type of response is
// spoken. The hints of a query are stepped over: they only say what a store may leave out.
Result<ReadRequest> DecodeReadRequest(std::string_view body);

}  // namespace varve::server
