// Any bytes given to the decoder of remote read's questions are a question or an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/remote_read/read_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly this size, so that a sanitizer sees every read beyond it.
  const auto body = std::make_unique<char[]>(size);
  std::copy(data, data + size, body.get());
  (void)varve::server::DecodeReadRequest({body.get(), size});
  return 0;
}
