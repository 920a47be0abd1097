// Parameters of a request: the query string and an application/x-www-form-urlencoded body
// (https://url.spec.whatwg.org/#application/x-www-form-urlencoded).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "varve/status.h"

namespace varve::server {

// %41 becomes 'A'; what is no such escape stays as it is.
std::string PercentDecode(std::string_view text);
std::string PercentEncode(std::string_view text);

class Form {
 public:
  // Appends the pairs of `encoded`; '+' reads as a space. kInvalidArgument for a '%' that no two
  // hex digits follow.
  Status Add(std::string_view encoded);

  // The first value of that name. Of a POST the body comes before the query string, as in Go's
  // net/http.
  std::optional<std::string_view> Find(std::string_view name) const;
  // The same; empty when there is none.
  std::string_view Get(std::string_view name) const { return Find(name).value_or(""); }
  std::vector<std::string_view> All(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace varve::server
