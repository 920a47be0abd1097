// What OTLP requests are answered with, in the encoding they came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/message.h"
#include "varve/status.h"

namespace varve::server {

enum class OtlpEncoding { kProtobuf, kJson };

// From a Content-Type header. kInvalidArgument for anything but application/x-protobuf and
// application/json.
Result<OtlpEncoding> OtlpEncodingOf(std::string_view content_type);

// The body without its Content-Encoding (none, identity, gzip or zstd), in `*buffer` where it had
// to be decompressed. kUnimplemented for other codings, kInvalidArgument for damage, kOutOfRange
// beyond `size_max`.
Result<std::string_view> DecompressedBody(const Request& request, size_t size_max,
                                          std::string* buffer);

// Export*ServiceResponse. `rejected` of 0 and no message: everything was taken.
struct OtlpPartialSuccess {
  std::string_view json_name;  // of the count: "rejectedDataPoints"
  uint64_t rejected = 0;
  std::string message;
};
Response OtlpSuccess(OtlpEncoding encoding, const OtlpPartialSuccess& partial);

// google.rpc.Status with the HTTP status that tells the sender whether to try again.
Response OtlpFailure(OtlpEncoding encoding, const Status& status);
// The same for an append that failed as a whole.
Response OtlpAppendFailure(OtlpEncoding encoding, const Status& status);

}  // namespace varve::server
