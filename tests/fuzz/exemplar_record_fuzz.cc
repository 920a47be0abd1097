// Any bytes as the body of a journal record of exemplars: what decodes encodes to a record that
// says the same, and a store takes it.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "engine/metrics/exemplar_record.h"
#include "engine/metrics/exemplar_store.h"

namespace varve::engine {
namespace {

void DecodeAndEncodeAgain(std::string_view body) {
  ExemplarStore store;
  std::vector<SeriesExemplarViews> record;
  const bool sound = DecodeExemplarRecord(body, &record).ok();
  VARVE_CHECK(store.Add(body).ok() == sound);
  if (!sound) return;
  std::string encoded;
  EncodeExemplarRecord(record, &encoded);
  std::vector<SeriesExemplarViews> again;
  VARVE_CHECK(DecodeExemplarRecord(encoded, &again).ok());
  VARVE_CHECK(again.size() == record.size());
  for (size_t i = 0; i < again.size(); ++i) {
    VARVE_CHECK(again[i].labels == record[i].labels);
    VARVE_CHECK(again[i].exemplars.size() == record[i].exemplars.size());
  }
  const uint64_t bytes = store.bytes();
  VARVE_CHECK(store.Add(encoded).ok() && store.bytes() == bytes);  // nothing but duplicates
}

}  // namespace
}  // namespace varve::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::engine::DecodeAndEncodeAgain(bytes);
  std::string_view samples;
  std::string_view exemplars;
  if (varve::engine::SplitRecords(bytes, &samples, &exemplars).ok()) {
    VARVE_CHECK(samples.size() + exemplars.size() < size);
    varve::engine::DecodeAndEncodeAgain(exemplars);
  }
  return 0;
}
