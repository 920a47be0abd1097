#include "storage/format/time_column_block.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "storage/format/chunk.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;  // on disk
constexpr size_t kChecksumBytes = sizeof(uint64_t);

Status Damaged(const std::string& what) { return DataLossError("time column block: " + what); }

}  // namespace

void EncodeTimeColumnBlock(std::span<const EncodedTimeColumn> columns, std::string* out) {
  VARVE_CHECK(!columns.empty() && columns.size() <= kTimeColumnsPerBlock);
  const size_t begin = out->size();
  out->push_back(static_cast<char>(kVersion));
  out->push_back(static_cast<char>(columns.size()));
  for (const EncodedTimeColumn& column : columns) {
    AppendVarint(out, column.sample_count);
    AppendVarint(out, column.bytes.size());
  }
  for (const EncodedTimeColumn& column : columns) out->append(column.bytes);
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Result<std::vector<EncodedTimeColumn>> ParseTimeColumnBlock(std::string_view bytes) {
  if (bytes.size() < 2 + kChecksumBytes) {
    return Damaged("cut off after " + std::to_string(bytes.size()) + " bytes");
  }
  ByteReader in(bytes.substr(0, bytes.size() - kChecksumBytes));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch over " + std::to_string(in.remaining()) + " bytes");
  }
  const auto version = in.Fixed<uint8_t>();
  if (version != kVersion) return Damaged("unknown version " + std::to_string(version));
  const auto count = in.Fixed<uint8_t>();
  if (count == 0 || count > kTimeColumnsPerBlock) {
    return Damaged("of " + std::to_string(count) + " columns");
  }
  std::vector<EncodedTimeColumn> columns(count);
  std::vector<uint64_t> sizes(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t sample_count = in.Varint();
    sizes[i] = in.Varint();
    if (sample_count == 0 || sample_count > kColumnSamplesMax) {
      return Damaged("a column of " + std::to_string(sample_count) + " samples");
    }
    columns[i].sample_count = static_cast<uint32_t>(sample_count);
  }
  for (size_t i = 0; i < count; ++i) columns[i].bytes = in.Bytes(sizes[i]);
  if (!in.ok() || !in.done()) return Damaged("its sizes do not add up");
  return columns;
}

}  // namespace varve::format
