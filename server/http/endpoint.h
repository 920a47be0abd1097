// One endpoint: a path, the methods it answers, the workers that run it, and its handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace varve::server {

// Who runs a handler. Separate workers, so that slow queries never hold up ingest and neither holds
// up a probe.
enum class Lane : uint8_t { kWrite, kQuery, kControl };
inline constexpr size_t kLaneCount = 3;

class MethodSet {
 public:
  constexpr MethodSet(std::initializer_list<Method> methods) {
    for (const Method method : methods) bits_ |= 1u << static_cast<unsigned>(method);
  }
  // HEAD is answered wherever GET is.
  constexpr bool Contains(Method method) const {
    if (method == Method::kHead) method = Method::kGet;
    return method != Method::kOther && (bits_ >> static_cast<unsigned>(method) & 1) != 0;
  }
  std::string ToString() const;  // "GET, HEAD, POST", as the Allow header takes it

 private:
  uint32_t bits_ = 0;
};

// What a handler is given besides the request.
struct CallContext {
  size_t worker_index = 0;          // within the lane; a worker runs one handler at a time
  std::string_view path_parameter;  // what stood for {...} in the path, percent-decoded
};

// Runs on a worker of its lane; several calls at once.
using Handler = std::function<Response(const Request&, const CallContext&)>;

struct Endpoint {
  std::string path;  // at most one segment "{...}", which stands for any one non-empty segment
  MethodSet methods;
  Lane lane = Lane::kControl;
  Handler handler;
};

}  // namespace varve::server
