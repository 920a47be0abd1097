// Requests over HTTP/1.1, for the command-line tool.
#pragma once

#include <string>

#include "varve/status.h"

namespace varve::tools {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// `base` is http://host[:port]; `target` starts with '/'. Waits as long as the server takes.
// kInvalidArgument for a base of another form, kUnavailable with the reason when the exchange
// fails.
Result<HttpAnswer> HttpGet(const std::string& base, const std::string& target);
// A POST without a body.
Result<HttpAnswer> HttpPost(const std::string& base, const std::string& target);

}  // namespace varve::tools
