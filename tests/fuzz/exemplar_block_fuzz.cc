// Any bytes as a block of exemplars, with and without a checksum that fits: what decodes encodes to
// a block that says the same.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "storage/format/exemplar_block.h"

namespace varve::format {
namespace {

void DecodeAndEncodeAgain(std::string_view bytes) {
  std::vector<ExemplarView> exemplars;
  if (!DecodeExemplarBlock(bytes, &exemplars).ok()) return;
  std::string encoded;
  EncodeExemplarBlock(exemplars, &encoded);
  std::vector<ExemplarView> again;
  VARVE_CHECK(DecodeExemplarBlock(encoded, &again).ok());
  VARVE_CHECK(again.size() == exemplars.size());
  for (size_t i = 0; i < again.size(); ++i) {
    VARVE_CHECK(CompareExemplars(again[i], exemplars[i]) == 0);
  }
  SortUnique(&again);
  VARVE_CHECK(again.size() <= exemplars.size());
}

}  // namespace
}  // namespace varve::format

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::format::DecodeAndEncodeAgain(bytes);
  std::string summed(bytes);
  varve::AppendFixed(&summed, varve::Hash64(bytes));
  varve::format::DecodeAndEncodeAgain(summed);
  return 0;
}
