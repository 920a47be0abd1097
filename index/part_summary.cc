#include "index/part_summary.h"

#include "base/bytes.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "index/checked_bytes.h"

namespace varve::index {

std::string EncodePartSummary(const PartSummary& summary) {
  std::string body;
  AppendVarint(&body, summary.series_count);
  AppendVarint(&body, summary.pair_count);
  return FrameBytes(body);
}

Result<PartSummary> DecodePartSummary(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view body, UnframeBytes(bytes));
  ByteReader reader(body);
  const uint64_t series_count = reader.Varint();
  const uint64_t pair_count = reader.Varint();
  if (!reader.ok() || !reader.done() || series_count > UINT32_MAX || pair_count > UINT32_MAX) {
    return DataLossError("malformed counts");
  }
  return PartSummary{static_cast<uint32_t>(series_count), static_cast<uint32_t>(pair_count)};
}

}  // namespace varve::index
