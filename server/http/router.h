// The table of endpoints and the look-up in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/http/endpoint.h"

namespace varve::server {

// Thread safety: immutable once built.
class Router {
 public:
  struct Match {
    const Endpoint* endpoint = nullptr;  // nullptr: no such path
    size_t index = 0;                    // of the endpoint in the table
    std::string path_parameter;
  };

  // REQUIRES: no path occurs twice.
  explicit Router(std::vector<Endpoint> endpoints);
  Match Find(std::string_view path) const;
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

 private:
  struct Pattern {
    std::string_view prefix;
    std::string_view suffix;
    size_t index;
  };

  std::vector<Endpoint> endpoints_;
  std::unordered_map<std::string_view, size_t> exact_;
  std::vector<Pattern> patterns_;
};

}  // namespace varve::server
