#include "index/pair_chunk.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "index/checked_bytes.h"
#include "index/label_pair.h"
#include "storage/format/label_bytes.h"

namespace varve::index {
namespace {

// A chunk repeats names, so that what it decodes to may be larger than itself, but never by more
// than this.
constexpr size_t kDecodedBytesMax = size_t{64} << 20;

}  // namespace

std::string EncodePairChunk(std::span<const std::string_view> pairs) {
  VARVE_CHECK(!pairs.empty() && pairs.size() <= kPairsPerChunk);
  std::string body;
  AppendVarint(&body, pairs.size());
  std::vector<std::string_view> names;
  for (const std::string_view pair : pairs) {
    const LabelPair label = SplitPair(pair);
    const auto known = std::find(names.begin(), names.end(), label.name);
    if (known == names.end()) {
      AppendVarint(&body, 0);
      AppendLengthPrefixed(&body, label.name);
      names.push_back(label.name);
    } else {
      AppendVarint(&body, static_cast<uint64_t>(known - names.begin()) + 1);
    }
    AppendLengthPrefixed(&body, label.value);
  }
  return FrameBytes(body);
}

Result<PairChunk> PairChunk::Decode(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view body, UnframeBytes(bytes));
  ByteReader reader(body);
  const uint64_t count = reader.Varint();
  if (!reader.ok() || count == 0 || count > kPairsPerChunk) {
    return DataLossError("bad pair count " + std::to_string(count));
  }
  PairChunk chunk;
  std::vector<std::string_view> names;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t reference = reader.Varint();
    if (reference == 0) {
      names.push_back(reader.LengthPrefixed());
    } else if (reference > names.size()) {
      return DataLossError("bad name reference " + std::to_string(reference));
    }
    const std::string_view name = reference == 0 ? names.back() : names[reference - 1];
    const std::string_view value = reader.LengthPrefixed();
    if (!reader.ok() || name.empty() || value.empty()) {
      return DataLossError("pair " + std::to_string(i) + " is malformed");
    }
    if (chunk.bytes_.size() + name.size() + value.size() > kDecodedBytesMax)
      return DataLossError("pairs are too large");
    format::AppendLabel(name, value, &chunk.bytes_);
    chunk.ends_.push_back(static_cast<uint32_t>(chunk.bytes_.size()));
  }
  if (!reader.done()) return DataLossError("bytes follow the last pair");
  chunk.bytes_.shrink_to_fit();
  return chunk;
}

}  // namespace varve::index
