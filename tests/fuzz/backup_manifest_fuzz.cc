// Any bytes as a backup manifest and as retention classes, as they are and with a checksum that
// fits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "compaction/retention_classes.h"
#include "engine/backup/manifest.h"

namespace varve {
namespace {

void Decode(std::string_view bytes) {
  if (const auto manifest = engine::DecodeBackupManifest(bytes); manifest.ok()) {
    VARVE_CHECK(engine::EncodeBackupManifest(*manifest).size() <= bytes.size());
  }
  if (const auto numbers = compaction::DecodeRetentionNumbers(bytes); numbers.ok()) {
    VARVE_CHECK(
        compaction::DecodeRetentionNumbers(compaction::EncodeRetentionNumbers(*numbers)).ok());
  }
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::Decode(bytes);
  std::string sealed(bytes.substr(0, size < 8 ? 0 : size - 8));
  varve::AppendFixed(&sealed, varve::Hash64(sealed));
  varve::Decode(sealed);
  return 0;
}
