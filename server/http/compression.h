// Content codings of requests and responses.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::server {

enum class ContentCoding { kIdentity, kGzip, kZstd };
std::string_view ContentCodingName(ContentCoding coding);

// The coding to answer with, from an Accept-Encoding header (RFC 9110, 12.5.3): zstd before gzip
// among those with a weight above zero, else identity.
ContentCoding ChooseCoding(std::string_view accept_encoding);

// REQUIRES: coding is not kIdentity.
std::string Compress(ContentCoding coding, std::string_view bytes);

// Undoes gzip. kInvalidArgument for damaged input, kOutOfRange when it would exceed `size_max`
// bytes.
Result<std::string> GunzipAtMost(std::string_view bytes, size_t size_max);
// Undoes zstd, likewise.
Result<std::string> UnzstdAtMost(std::string_view bytes, size_t size_max);

}  // namespace varve::server
