#include "index/postings_codec.h"

#include <roaring/roaring.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "index/roaring_check.h"

namespace varve::index {
namespace {

// Few ordinals are a list or runs; building a bitmap for them would be waste.
constexpr size_t kBitmapCountMin = 64;

// Lists are short and many, so their checksum is two bytes; bitmaps are few and CRoaring is touchy.
using ShortChecksum = uint16_t;
using LongChecksum = uint64_t;

std::string EncodeList(std::span<const uint32_t> ordinals) {
  std::string out(1, static_cast<char>(PostingsKind::kList));
  uint64_t next = 0;  // the least ordinal that may follow
  for (const uint32_t ordinal : ordinals) {
    AppendVarint(&out, ordinal - next);
    next = uint64_t{ordinal} + 1;
  }
  return out;
}

std::string EncodeRuns(std::span<const uint32_t> ordinals) {
  std::string out(1, static_cast<char>(PostingsKind::kRuns));
  uint64_t next = 0;
  for (size_t i = 0; i < ordinals.size();) {
    size_t end = i + 1;
    while (end < ordinals.size() && ordinals[end] == ordinals[end - 1] + 1) ++end;
    AppendVarint(&out, ordinals[i] - next);
    AppendVarint(&out, end - i - 1);
    next = uint64_t{ordinals[end - 1]} + 1;
    i = end;
  }
  return out;
}

std::string EncodeRoaring(std::span<const uint32_t> ordinals) {
  const OwnedRoaring bitmap(roaring_bitmap_of_ptr(ordinals.size(), ordinals.data()));
  VARVE_CHECK(bitmap != nullptr);
  roaring_bitmap_run_optimize(bitmap.get());
  std::string out(1, static_cast<char>(PostingsKind::kRoaring));
  out.resize(1 + roaring_bitmap_portable_size_in_bytes(bitmap.get()));
  roaring_bitmap_portable_serialize(bitmap.get(), out.data() + 1);
  return out;
}

// Splits the checksum off the end of `bytes` and compares it.
template <typename Checksum>
Status TakeChecksum(std::string_view* bytes) {
  if (bytes->size() < 1 + sizeof(Checksum)) return DataLossError("postings are too short");
  const std::string_view body = bytes->substr(0, bytes->size() - sizeof(Checksum));
  const auto stored = ByteReader(bytes->substr(body.size())).Fixed<Checksum>();
  if (stored != static_cast<Checksum>(Hash64(body)))
    return DataLossError("postings checksum mismatch");
  *bytes = body;
  return OkStatus();
}

Status DecodeList(ByteReader reader, uint64_t ordinal_limit, IdUnion* out) {
  uint64_t next = 0;
  while (!reader.done()) {
    const uint64_t gap = reader.Varint();
    if (!reader.ok() || gap >= ordinal_limit - next)
      return DataLossError("postings list is out of range");
    out->Add(static_cast<uint32_t>(next + gap));
    next += gap + 1;
  }
  return OkStatus();
}

Status DecodeRuns(ByteReader reader, uint64_t ordinal_limit, IdUnion* out) {
  uint64_t next = 0;
  while (!reader.done()) {
    const uint64_t gap = reader.Varint();
    const uint64_t length_less_one = reader.Varint();
    if (!reader.ok() || gap >= ordinal_limit - next ||
        length_less_one >= ordinal_limit - next - gap) {
      return DataLossError("postings runs are out of range");
    }
    const uint64_t begin = next + gap;
    next = begin + length_less_one + 1;
    out->AddRange(begin, next);
  }
  return OkStatus();
}

Status DecodeRoaring(std::string_view bytes, uint64_t ordinal_limit, IdUnion* out) {
  RETURN_IF_ERROR(CheckPortableRoaring(bytes, ordinal_limit));
  const OwnedRoaring bitmap(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()));
  if (bitmap == nullptr) return DataLossError("roaring bitmap: not accepted by the decoder");
  out->AddBitmap(bitmap.get());
  return OkStatus();
}

}  // namespace

void EncodePostings(std::span<const uint32_t> ordinals, std::string* out) {
  VARVE_CHECK(!ordinals.empty());
  std::string best = EncodeList(ordinals);
  if (std::string runs = EncodeRuns(ordinals); runs.size() < best.size()) best = std::move(runs);
  if (ordinals.size() >= kBitmapCountMin) {
    std::string roaring = EncodeRoaring(ordinals);
    if (roaring.size() + sizeof(LongChecksum) < best.size() + sizeof(ShortChecksum)) {
      AppendFixed(&roaring, LongChecksum{Hash64(roaring)});
      out->append(roaring);
      return;
    }
  }
  AppendFixed(&best, static_cast<ShortChecksum>(Hash64(best)));
  out->append(best);
}

Status DecodePostings(std::string_view bytes, uint64_t ordinal_limit, IdUnion* out) {
  if (bytes.empty()) return DataLossError("postings are empty");
  const auto kind = static_cast<PostingsKind>(bytes.front());
  switch (kind) {
    case PostingsKind::kList:
    case PostingsKind::kRuns: {
      RETURN_IF_ERROR(TakeChecksum<ShortChecksum>(&bytes));
      const ByteReader reader(bytes.substr(1));
      if (reader.done()) return DataLossError("postings are empty");
      return kind == PostingsKind::kList ? DecodeList(reader, ordinal_limit, out)
                                         : DecodeRuns(reader, ordinal_limit, out);
    }
    case PostingsKind::kRoaring:
      RETURN_IF_ERROR(TakeChecksum<LongChecksum>(&bytes));
      return DecodeRoaring(bytes.substr(1), ordinal_limit, out);
  }
  return DataLossError("postings of unknown kind " + std::to_string(static_cast<unsigned>(kind)));
}

}  // namespace varve::index
