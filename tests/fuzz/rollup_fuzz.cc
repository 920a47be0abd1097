// Any bytes as a chunk of rollups: rows or an error; rows are encoded and decoded again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "storage/format/rollup.h"

// The first two bytes are the number of rows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t count = static_cast<size_t>(data[0]) | static_cast<size_t>(data[1]) << 8;
  const std::string_view payload(reinterpret_cast<const char*>(data + 2), size - 2);
  varve::format::SeriesRollups rows;
  if (!varve::format::DecodeRollups(payload, count, &rows).ok()) return 0;
  VARVE_CHECK(rows.size() == count);
  std::string encoded;
  varve::format::EncodeRollups(rows, &encoded);
  varve::format::SeriesRollups again;
  VARVE_CHECK(varve::format::DecodeRollups(encoded, count, &again).ok());
  return 0;
}
