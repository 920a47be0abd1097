#include "server/ingest/content_type.h"

#include <string>

#include "server/http/message.h"

namespace varve::server {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes what stands before the next ';' off `rest`.
std::string_view NextPart(std::string_view* rest) {
  const size_t semicolon = rest->find(';');
  const std::string_view part = Trim(rest->substr(0, semicolon));
  *rest = semicolon == std::string_view::npos ? std::string_view() : rest->substr(semicolon + 1);
  return part;
}

std::string_view Unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

Result<RemoteWriteVersion> NegotiateRemoteWrite(std::string_view content_type,
                                                std::string_view content_encoding) {
  if (!EqualsIgnoreCase(Trim(content_encoding), "snappy")) {
    return InvalidArgumentError("Content-Encoding " + Quoted(content_encoding) +
                                " is not supported: remote write bodies are snappy (block format)");
  }
  std::string_view rest = content_type;
  if (!EqualsIgnoreCase(NextPart(&rest), "application/x-protobuf")) {
    return InvalidArgumentError(
        "Content-Type " + Quoted(content_type) +
        " is not supported: remote write bodies are application/x-protobuf");
  }
  RemoteWriteVersion version = RemoteWriteVersion::kV1;
  while (!rest.empty()) {
    const std::string_view part = NextPart(&rest);
    const size_t equals = part.find('=');
    if (!EqualsIgnoreCase(Trim(part.substr(0, equals)), "proto")) continue;
    const std::string_view proto =
        equals == std::string_view::npos ? "" : Unquote(Trim(part.substr(equals + 1)));
    if (proto == "prometheus.WriteRequest") {
      version = RemoteWriteVersion::kV1;
    } else if (proto == "io.prometheus.write.v2.Request") {
      version = RemoteWriteVersion::kV2;
    } else {
      return InvalidArgumentError("the message proto=" + std::string(proto) +
                                  " is not supported: send prometheus.WriteRequest or "
                                  "io.prometheus.write.v2.Request");
    }
  }
  return version;
}

}  // namespace varve::server
