// Any bytes as a catalog entry, as they are and with a checksum that fits.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "storage/format/part_info.h"

namespace varve {
namespace {

void DecodeAndEncodeAgain(std::string_view bytes) {
  const auto info = format::DecodePartInfo(bytes);
  if (!info.ok()) return;
  std::string encoded;
  format::EncodePartInfo(*info, &encoded);
  const auto again = format::DecodePartInfo(encoded);
  VARVE_CHECK(again.ok() && *again == *info);
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::DecodeAndEncodeAgain(bytes);
  std::string sealed(bytes.substr(0, size < 8 ? 0 : size - 8));
  varve::AppendFixed(&sealed, varve::Hash64(sealed));
  varve::DecodeAndEncodeAgain(sealed);
  return 0;
}
