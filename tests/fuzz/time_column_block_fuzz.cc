// Any bytes as a block of time columns, as they are and with a checksum that fits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "storage/codec/columns.h"
#include "storage/format/time_column_block.h"

namespace varve {
namespace {

void ParseAndDecode(std::string_view bytes) {
  const auto columns = format::ParseTimeColumnBlock(bytes);
  if (!columns.ok()) return;
  for (const format::EncodedTimeColumn& column : *columns) {
    std::vector<int64_t> times(column.sample_count);
    static_cast<void>(codec::DecodeTimes(column.bytes, column.sample_count, times.data()));
  }
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::ParseAndDecode(bytes);
  std::string sealed(bytes.substr(0, size < 8 ? 0 : size - 8));
  varve::AppendFixed(&sealed, varve::Hash64(sealed));
  varve::ParseAndDecode(sealed);
  return 0;
}
