// Any bytes as tombstones, with and without a checksum that fits: what decodes encodes to the same
// bytes' meaning again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "engine/metrics/tombstones.h"

namespace varve::engine {
namespace {

void DecodeAndEncodeAgain(std::string_view bytes) {
  const Result<TombstoneList> decoded = DecodeTombstones(bytes);
  if (!decoded.ok()) return;
  const std::string encoded = EncodeTombstones(*decoded);
  const Result<TombstoneList> again = DecodeTombstones(encoded);
  VARVE_CHECK(again.ok() && again->size() == decoded->size());
  VARVE_CHECK(EncodeTombstones(*again) == encoded);
}

}  // namespace
}  // namespace varve::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::engine::DecodeAndEncodeAgain(bytes);
  std::string summed(bytes);
  varve::AppendFixed(&summed, varve::Hash64(bytes));
  varve::engine::DecodeAndEncodeAgain(summed);
  return 0;
}
