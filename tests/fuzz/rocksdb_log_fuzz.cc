// Any bytes as a WAL or a MANIFEST. What is valid ends where the scan says, and cutting there
// changes nothing.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "storage/kv/log_check.h"
#include "storage/kv/manifest_scan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const kv::LogScan scan = kv::ScanLog(bytes);
  VARVE_CHECK(scan.valid_bytes <= size);
  VARVE_CHECK(scan.torn == (scan.valid_bytes < size));
  const std::string_view valid = bytes.substr(0, scan.valid_bytes);
  VARVE_CHECK(!kv::ScanLog(valid).torn);
  VARVE_CHECK(kv::MinWalNumber(bytes) == kv::MinWalNumber(valid));
  return 0;
}
