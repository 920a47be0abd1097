#include "server/http/router.h"

#include <utility>

#include "base/check.h"
#include "server/http/form.h"

namespace varve::server {

std::string MethodSet::ToString() const {
  std::string out;
  for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kPut,
                              Method::kDelete, Method::kOptions}) {
    if (!Contains(method)) continue;
    if (!out.empty()) out += ", ";
    out += MethodName(method);
  }
  return out;
}

Router::Router(std::vector<Endpoint> endpoints) : endpoints_(std::move(endpoints)) {
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const std::string_view path = endpoints_[i].path;
    const size_t open = path.find('{');
    if (open == std::string_view::npos) {
      VARVE_CHECK(exact_.emplace(path, i).second);
    } else {
      const size_t close = path.find('}', open);
      VARVE_CHECK(close != std::string_view::npos);
      patterns_.push_back({path.substr(0, open), path.substr(close + 1), i});
    }
  }
}

Router::Match Router::Find(std::string_view path) const {
  if (const auto found = exact_.find(path); found != exact_.end()) {
    return {&endpoints_[found->second], found->second, {}};
  }
  for (const Pattern& pattern : patterns_) {
    if (path.size() <= pattern.prefix.size() + pattern.suffix.size()) continue;
    if (!path.starts_with(pattern.prefix) || !path.ends_with(pattern.suffix)) continue;
    const std::string_view segment = path.substr(
        pattern.prefix.size(), path.size() - pattern.prefix.size() - pattern.suffix.size());
    if (segment.find('/') != std::string_view::npos) continue;
    return {&endpoints_[pattern.index], pattern.index, PercentDecode(segment)};
  }
  return {};
}

}  // namespace varve::server
