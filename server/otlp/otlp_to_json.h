// OTLP's protobuf turned into JSON.
#pragma once

#include <string>
#include <string_view>

#include "server/otlp/json_transcoder.h"
#include "varve/status.h"

namespace varve::server {

// Which JSON: OTLP's own (ids in hexadecimal, enums as integers), or protobuf's (ids in base64,
// enums by name), which Tempo answers with.
enum class OtlpJsonStyle { kOtlp, kProtobuf };

// Appends the message as a JSON object, its first field under `root_key` ("resourceSpans",
// "batches"). kInvalidArgument when it cannot be read.
Status AppendOtlpJson(std::string_view message, OtlpJsonStyle style, std::string_view root_key,
                      std::string* out);

}  // namespace varve::server
