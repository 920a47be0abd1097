// Any bytes as label bytes. What Canonicalize accepts is canonical, and canonical bytes stay as
// they are.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "storage/format/label_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  format::LabelCursor cursor(bytes);
  size_t walked = 0;
  while (cursor.Next()) walked += cursor.pair().size();
  VARVE_CHECK(cursor.ok() ? walked == size : walked < size);

  std::string canonical;
  const bool accepted = format::Canonicalize(bytes, &canonical).ok();
  VARVE_CHECK(!accepted || format::CheckCanonical(canonical).ok());
  if (!format::CheckCanonical(bytes).ok()) return 0;
  VARVE_CHECK(accepted && canonical == bytes);
  VARVE_CHECK(format::CompareLabelBytes(bytes, canonical) == 0);
  for (format::LabelCursor label(bytes); label.Next();) {
    VARVE_CHECK(format::FindLabel(bytes, label.name()) == label.value());
  }
  return 0;
}
