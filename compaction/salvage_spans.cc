#include <string>

#include "base/status_macros.h"
#include "compaction/salvage.h"
#include "compaction/span_part.h"
#include "compaction/span_rows.h"

namespace varve::compaction {
namespace {

Result<format::SpanBlockBytes> ReadBlock(const SpanPartReader& reader, uint32_t number) {
  ASSIGN_OR_RETURN(format::SpanBlock block, reader.OpenBlock(number));
  std::vector<StoredSpan> spans(block.row_count());
  format::SpanFields scratch;
  for (uint32_t row = 0; row < block.row_count(); ++row) {
    RETURN_IF_ERROR(ReadStoredSpan(block, row, &scratch, &spans[row]));
  }
  SortUniqueSpans(&spans);
  std::vector<format::SpanRow> rows;
  for (const StoredSpan& span : spans) rows.push_back(span.row());
  return format::EncodeSpanBlock(rows);
}

}  // namespace

Result<std::optional<format::PartInfo>> SalvageSpans(kv::Store* store,
                                                     const std::shared_ptr<const kv::Part>& part,
                                                     std::vector<LostStretch>* lost) {
  const SpanPartReader reader(part);
  format::PartInfo info = reader.info();
  ASSIGN_OR_RETURN(std::unique_ptr<SpanPartWriter> writer,
                   SpanPartWriter::Create(store, kv::Compression::kSmall));
  bool any = false;
  for (uint32_t number = 0; number < reader.block_count(); ++number) {
    const Result<format::SpanBlockBytes> block = ReadBlock(reader, number);
    if (!block.ok()) {
      lost->push_back(
          {"", info.min_time_ms, info.max_time_ms, 0, 0,
           "spans of block " + std::to_string(number) + ": " + block.status().message()});
      continue;
    }
    RETURN_IF_ERROR(writer->Add(*block));
    any = true;
  }
  if (!any) return std::optional<format::PartInfo>();
  info.files.clear();
  ASSIGN_OR_RETURN(info, writer->Finish(std::move(info)));
  return std::optional<format::PartInfo>(std::move(info));
}

}  // namespace varve::compaction
