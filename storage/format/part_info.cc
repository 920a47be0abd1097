#include "storage/format/part_info.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;            // on disk
constexpr uint8_t kVersionWithGroups = 2;  // on disk: says how many series a chunk group has
constexpr uint8_t kVersionWithPieces = 3;  // on disk: and its resolution and pieces
constexpr uint32_t kSeriesPerGroupMax = 64;
constexpr size_t kChecksumBytes = sizeof(uint64_t);

Status Damaged(const std::string& what) { return DataLossError("catalog entry: " + what); }

std::string Range(auto min, auto max) { return std::to_string(min) + " to " + std::to_string(max); }

// Values that no writer of this version produces, in an entry whose checksum fits.
Status CheckValues(const PartInfo& info) {
  if (info.signal < Signal::kMetrics || info.signal > Signal::kExemplars) {
    return Damaged("unknown signal " + std::to_string(static_cast<int>(info.signal)));
  }
  if (info.tier > Tier::kRollup) {
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
  if ((info.tier == Tier::kRollup) != (info.resolution_ms > 0)) {
    return Damaged("a resolution of " + std::to_string(info.resolution_ms) + " ms");
  }
  for (size_t i = 0; i < info.pieces.size(); ++i) {
    const PartPiece& piece = info.pieces[i];
    const bool ascends = i == 0 || info.pieces[i - 1].end_ms < piece.begin_ms;
    if (piece.begin_ms > piece.end_ms || !ascends) {
      return Damaged("a piece of " + Range(piece.begin_ms, piece.end_ms));
    }
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

// Times as differences to what is before.
void AppendPieces(const std::vector<PartPiece>& pieces, std::string* out) {
  AppendVarint(out, pieces.size());
  uint64_t last = 0;
  for (const PartPiece& piece : pieces) {
    const auto begin = static_cast<uint64_t>(piece.begin_ms);
    const auto end = static_cast<uint64_t>(piece.end_ms);
    AppendVarint(out, ZigZagEncode(static_cast<int64_t>(begin - last)));
    AppendVarint(out, end - begin);
    AppendVarint(out, piece.max_sequence);
    out->push_back(piece.purged ? 1 : 0);
    last = end;
  }
}

Status ReadPieces(ByteReader* in, std::vector<PartPiece>* pieces) {
  const uint64_t count = in->Varint();
  constexpr size_t kPieceBytesMin = 4;
  if (count > in->remaining() / kPieceBytesMin) {
    return Damaged(std::to_string(count) + " pieces in " + std::to_string(in->remaining()) +
                   " bytes");
  }
  pieces->resize(count);
  uint64_t last = 0;
  for (PartPiece& piece : *pieces) {
    const uint64_t begin = last + static_cast<uint64_t>(in->SignedVarint());
    last = begin + in->Varint();
    piece.begin_ms = static_cast<int64_t>(begin);
    piece.end_ms = static_cast<int64_t>(last);
    piece.max_sequence = in->Varint();
    piece.purged = in->Fixed<uint8_t>() != 0;
  }
  return OkStatus();
}

}  // namespace

void EncodePartInfo(const PartInfo& info, std::string* out) {
  const size_t begin = out->size();
  const bool with_pieces = !info.pieces.empty() || info.resolution_ms != 0;
  const bool with_groups = with_pieces || info.series_per_group != kSeriesPerGroupMax;
  const uint8_t version = with_pieces   ? kVersionWithPieces
                          : with_groups ? kVersionWithGroups
                                        : kVersion;
  out->push_back(static_cast<char>(version));
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
  if (with_pieces) {
    AppendVarint(out, ZigZagEncode(info.resolution_ms));
    AppendPieces(info.pieces, out);
  }
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
  if (version < kVersion || version > kVersionWithPieces) {
    return FailedPreconditionError("catalog entry of format " + std::to_string(version) +
                                   ", but this version reads up to " +
                                   std::to_string(kVersionWithPieces));
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
  if (version >= kVersionWithGroups) {
    const uint64_t series_per_group = in.Varint();
    info.series_per_group = static_cast<uint32_t>(std::min<uint64_t>(series_per_group, UINT32_MAX));
  }
  if (version >= kVersionWithPieces) {
    info.resolution_ms = in.SignedVarint();
    RETURN_IF_ERROR(ReadPieces(&in, &info.pieces));
  }
  RETURN_IF_ERROR(ReadFiles(&in, &info.files));
  if (!in.ok() || !in.done()) return Damaged("its fields do not add up to its length");
  RETURN_IF_ERROR(CheckValues(info));
  return info;
}

}  // namespace varve::format
