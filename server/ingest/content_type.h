// Which remote write message a request says it carries.
#pragma once

#include <string_view>

#include "server/ingest/remote_write_version.h"
#include "varve/status.h"

namespace varve::server {

// `content_type` must be application/x-protobuf, with proto=prometheus.WriteRequest (also when left
// out) or proto=io.prometheus.write.v2.Request; `content_encoding` must be snappy. kInvalidArgument
// names what was sent otherwise; the answer to it is 415.
Result<RemoteWriteVersion> NegotiateRemoteWrite(std::string_view content_type,
                                                std::string_view content_encoding);

}  // namespace varve::server
