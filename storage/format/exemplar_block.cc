#include "storage/format/exemplar_block.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"
#include "base/status_macros.h"
#include "storage/format/label_bytes.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;  // on disk
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr size_t kExemplarBytesMin = 1 + sizeof(double) + 1;

Status Damaged(const std::string& what) { return DataLossError("exemplars: " + what); }

}  // namespace

std::strong_ordering CompareExemplars(const ExemplarView& a, const ExemplarView& b) {
  if (const auto order = a.timestamp_ms <=> b.timestamp_ms; order != 0) return order;
  if (const auto order = CompareLabelBytes(a.labels, b.labels); order != 0) return order;
  return std::bit_cast<uint64_t>(a.value) <=> std::bit_cast<uint64_t>(b.value);
}

void SortUnique(std::vector<ExemplarView>* exemplars) {
  std::sort(exemplars->begin(), exemplars->end(), [](const ExemplarView& a, const ExemplarView& b) {
    return CompareExemplars(a, b) < 0;
  });
  exemplars->erase(std::unique(exemplars->begin(), exemplars->end(),
                               [](const ExemplarView& a, const ExemplarView& b) {
                                 return CompareExemplars(a, b) == 0;
                               }),
                   exemplars->end());
}

void AppendExemplarList(std::span<const ExemplarView> exemplars, std::string* out) {
  AppendVarint(out, exemplars.size());
  uint64_t previous_time = 0;
  for (const ExemplarView& exemplar : exemplars) {
    const auto time = static_cast<uint64_t>(exemplar.timestamp_ms);
    AppendVarint(out, ZigZagEncode(static_cast<int64_t>(time - previous_time)));
    previous_time = time;
    AppendFixed(out, exemplar.value);
    AppendLengthPrefixed(out, exemplar.labels);
  }
}

Status ReadExemplarList(ByteReader* in, std::vector<ExemplarView>* exemplars) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() / kExemplarBytesMin) {
    return Damaged(std::to_string(count) + " of them in " + std::to_string(in->remaining()) +
                   " bytes");
  }
  exemplars->reserve(exemplars->size() + count);
  uint64_t time = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ExemplarView exemplar;
    time += static_cast<uint64_t>(in->SignedVarint());
    exemplar.timestamp_ms = static_cast<int64_t>(time);
    exemplar.value = in->Fixed<double>();
    exemplar.labels = in->LengthPrefixed();
    if (!in->ok()) return Damaged("the list ends early");
    RETURN_IF_ERROR(CheckCanonical(exemplar.labels));
    exemplars->push_back(exemplar);
  }
  return in->ok() ? OkStatus() : Damaged("the list ends early");
}

void EncodeExemplarBlock(std::span<const ExemplarView> exemplars, std::string* out) {
  const size_t begin = out->size();
  out->push_back(static_cast<char>(kVersion));
  AppendExemplarList(exemplars, out);
  AppendFixed(out, Hash64(std::string_view(*out).substr(begin)));
}

Status DecodeExemplarBlock(std::string_view bytes, std::vector<ExemplarView>* exemplars) {
  if (bytes.size() < 1 + kChecksumBytes) {
    return Damaged("a block of " + std::to_string(bytes.size()) + " bytes");
  }
  ByteReader in(bytes.substr(0, bytes.size() - kChecksumBytes));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch over " + std::to_string(in.remaining()) + " bytes");
  }
  if (const auto version = in.Fixed<uint8_t>(); version != kVersion) {
    return Damaged("a block of unknown version " + std::to_string(version));
  }
  RETURN_IF_ERROR(ReadExemplarList(&in, exemplars));
  return in.done() ? OkStatus() : Damaged("bytes after the list");
}

}  // namespace varve::format
