#include "storage/format/part_info.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;  // on disk

Status Damaged(const char* what) { return DataLossError(std::string("catalog entry: ") + what); }

}  // namespace

void EncodePartInfo(const PartInfo& info, std::string* out) {
  const size_t begin = out->size();
  out->push_back(static_cast<char>(kVersion));
  out->push_back(static_cast<char>(info.signal));
  out->push_back(static_cast<char>(info.tier));
  out->push_back(static_cast<char>(info.level));
  AppendVarint(out, info.retention_class);
  AppendVarint(out, info.part_id);
  AppendVarint(out, ZigZagEncode(info.min_time_ms));
  AppendVarint(out, ZigZagEncode(info.max_time_ms));
  for (const uint64_t field : {info.min_sequence, info.max_sequence, info.series_count, info.sample_count,
                               info.chunk_count, uint64_t{info.files.size()}}) {
    AppendVarint(out, field);
  }
  for (const PartFile& file : info.files) {
    out->push_back(static_cast<char>(file.family));
    AppendVarint(out, file.bytes);
    AppendFixed(out, file.checksum);
  }
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Result<PartInfo> DecodePartInfo(std::string_view bytes) {
  if (bytes.size() < 1 + sizeof(uint64_t)) return Damaged("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  ByteReader trailer(bytes.substr(body.size()));
  if (trailer.Fixed<uint64_t>() != Hash64(body)) return Damaged("checksum mismatch");
  ByteReader reader(body);
  if (const auto version = reader.Fixed<uint8_t>(); version != kVersion) {
    return FailedPreconditionError("catalog entry: version " + std::to_string(version) + ", this program knows " +
                                   std::to_string(kVersion));
  }
  PartInfo info;
  const auto signal = reader.Fixed<uint8_t>();
  const auto tier = reader.Fixed<uint8_t>();
  info.level = reader.Fixed<uint8_t>();
  const uint64_t retention_class = reader.Varint();
  info.part_id = reader.Varint();
  info.min_time_ms = reader.SignedVarint();
  info.max_time_ms = reader.SignedVarint();
  info.min_sequence = reader.Varint();
  info.max_sequence = reader.Varint();
  info.series_count = reader.Varint();
  info.sample_count = reader.Varint();
  info.chunk_count = reader.Varint();
  const uint64_t file_count = reader.Varint();
  for (uint64_t i = 0; i < file_count && reader.ok(); ++i) {
    PartFile file;
    file.family = reader.Fixed<uint8_t>();
    file.bytes = reader.Varint();
    file.checksum = reader.Fixed<uint64_t>();
    info.files.push_back(file);
  }
  if (!reader.ok() || !reader.done()) return Damaged("bad length");
  if (signal < 1 || signal > static_cast<uint8_t>(Signal::kLogs)) return Damaged("unknown signal");
  if (tier > static_cast<uint8_t>(Tier::kOneHour)) return Damaged("unknown tier");
  if (retention_class > UINT16_MAX) return Damaged("retention class out of range");
  if (info.min_time_ms > info.max_time_ms || info.min_sequence > info.max_sequence) return Damaged("empty range");
  info.signal = static_cast<Signal>(signal);
  info.tier = static_cast<Tier>(tier);
  info.retention_class = static_cast<uint16_t>(retention_class);
  return info;
}

}  // namespace varve::format
