// The envelope of Prometheus' HTTP API: {"status":"success","data":...} or
// {"status":"error","errorType":...}.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/api/json_writer.h"
#include "server/http/message.h"
#include "varve/labels.h"
#include "varve/status.h"

namespace varve::server {

inline constexpr std::string_view kTruncatedWarning = "results truncated due to limit";

// A successful answer being written: exactly one value through json(), then Finish.
class SuccessAnswer {
 public:
  SuccessAnswer();
  SuccessAnswer(const SuccessAnswer&) = delete;
  SuccessAnswer& operator=(const SuccessAnswer&) = delete;

  JsonWriter& json() { return json_; }
  Response Finish(std::span<const std::string> warnings = {},
                  std::span<const std::string> infos = {});

 private:
  Response response_;
  JsonWriter json_;
};

// `data` is JSON already.
Response SuccessLiteral(std::string_view data);

Response ErrorAnswer(HttpStatus status, std::string_view error_type, std::string_view message);
// By the code: kInvalidArgument is bad_data 400, kOutOfRange and kResourceExhausted execution 422,
// kDeadlineExceeded timeout 503, kCancelled canceled 503, kNotFound not_found 404, kUnavailable and
// kFailedPrecondition unavailable 503, anything else internal 500.
Response ErrorAnswer(const Status& status);

void WriteLabels(const Labels& labels, JsonWriter* json);

}  // namespace varve::server
