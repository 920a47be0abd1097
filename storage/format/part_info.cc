#include "storage/format/part_info.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;            // on disk
constexpr uint8_t kVersionWithGroups = 2;  // on disk: says how many series a chunk group has
constexpr uint32_t kSeriesPerGroupMax = 64;
constexpr size_t kChecksumBytes = sizeof(uint64_t);

Status Damaged(const std::string& what) { return DataLossError("catalog entry: " + what); }

std::string Range(auto min, auto max) { return std::to_string(min) + " to " + std::to_string(max); }

// Values that no writer of this version produces, in an entry whose checksum fits.
Status CheckValues(const PartInfo& info) {
  if (info.signal < Signal::kMetrics || info.signal > Signal::kExemplars) {
    return Damaged("unknown signal " + std::to_string(static_cast<int>(info.signal)));
  }
  if (info.tier > Tier::kOneHour) {
    return Damaged("unknown tier " + std::to_string(static_cast<int>(info.tier)));
  }
  if (info.min_time_ms > info.max_time_ms) {
    return Damaged("times " + Range(info.min_time_ms, info.max_time_ms));
  }
  if (info.min_sequence > info.max_sequence) {
    return Damaged("sequences " + Range(info.min_sequence, info.max_sequence));
  }
  if (info.series_per_group == 0 || info.series_per_group > kSeriesPerGroupMax) {
    return Damaged("chunk groups of " + std::to_string(info.series_per_group) + " series");
  }
  return OkStatus();
}

Status ReadFiles(ByteReader* in, std::vector<PartFile>* files) {
  const uint64_t count = in->Varint();
  constexpr size_t kFileBytesMin = 1 + 1 + sizeof(uint64_t);
  if (count > in->remaining() / kFileBytesMin) {
    return Damaged(std::to_string(count) + " files in " + std::to_string(in->remaining()) +
                   " bytes");
  }
  files->resize(count);
  for (PartFile& file : *files) {
    file.family = in->Fixed<uint8_t>();
    file.bytes = in->Varint();
    file.checksum = in->Fixed<uint64_t>();
  }
  return OkStatus();
}

}  // namespace

void EncodePartInfo(const PartInfo& info, std::string* out) {
  const size_t begin = out->size();
  const bool with_groups = info.series_per_group != kSeriesPerGroupMax;
  out->push_back(static_cast<char>(with_groups ? kVersionWithGroups : kVersion));
  out->push_back(static_cast<char>(info.signal));
  out->push_back(static_cast<char>(info.tier));
  out->push_back(static_cast<char>(info.level));
  AppendFixed(out, info.retention_class);
  AppendVarint(out, info.part_id);
  AppendVarint(out, ZigZagEncode(info.min_time_ms));
  AppendVarint(out, ZigZagEncode(info.max_time_ms));
  AppendVarint(out, info.min_sequence);
  AppendVarint(out, info.max_sequence);
  AppendVarint(out, info.series_count);
  AppendVarint(out, info.sample_count);
  AppendVarint(out, info.chunk_count);
  if (with_groups) AppendVarint(out, info.series_per_group);
  AppendVarint(out, info.files.size());
  for (const PartFile& file : info.files) {
    out->push_back(static_cast<char>(file.family));
    AppendVarint(out, file.bytes);
    AppendFixed(out, file.checksum);
  }
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Result<PartInfo> DecodePartInfo(std::string_view bytes) {
  if (bytes.size() < 1 + kChecksumBytes) {
    return Damaged("cut off after " + std::to_string(bytes.size()) + " bytes");
  }
  ByteReader in(bytes.substr(0, bytes.size() - kChecksumBytes));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch over " + std::to_string(in.remaining()) + " bytes");
  }
  // Every version ends in this checksum, so a version that is not ours was written, not damaged.
  const auto version = in.Fixed<uint8_t>();
  if (version != kVersion && version != kVersionWithGroups) {
    return FailedPreconditionError("catalog entry of format " + std::to_string(version) +
                                   ", but this version reads up to " +
                                   std::to_string(kVersionWithGroups));
  }
  PartInfo info;
  info.signal = static_cast<Signal>(in.Fixed<uint8_t>());
  info.tier = static_cast<Tier>(in.Fixed<uint8_t>());
  info.level = in.Fixed<uint8_t>();
  info.retention_class = in.Fixed<uint16_t>();
  info.part_id = in.Varint();
  info.min_time_ms = in.SignedVarint();
  info.max_time_ms = in.SignedVarint();
  info.min_sequence = in.Varint();
  info.max_sequence = in.Varint();
  info.series_count = in.Varint();
  info.sample_count = in.Varint();
  info.chunk_count = in.Varint();
  if (version == kVersionWithGroups) {
    const uint64_t series_per_group = in.Varint();
    info.series_per_group = static_cast<uint32_t>(std::min<uint64_t>(series_per_group, UINT32_MAX));
  }
  RETURN_IF_ERROR(ReadFiles(&in, &info.files));
  if (!in.ok() || !in.done()) return Damaged("its fields do not add up to its length");
  RETURN_IF_ERROR(CheckValues(info));
  return info;
}

}  // namespace varve::format
