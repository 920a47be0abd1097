// The decoders of a part's index. The first byte chooses one; half of them get a right checksum put
// behind the input, because nearly no random bytes carry one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "index/checked_bytes.h"
#include "index/id_set.h"
#include "index/label_pair.h"
#include "index/pair_chunk.h"
#include "index/part_index_keys.h"
#include "index/part_summary.h"
#include "index/postings_codec.h"
#include "index/roaring_check.h"
#include "index/series_block.h"

namespace varve::index {
namespace {

constexpr uint64_t kOrdinalLimit = 300'000;

void ReadSeriesBlock(std::string_view bytes) {
  auto decoder = SeriesBlockDecoder::Parse(bytes);
  if (!decoder.ok()) return;
  SeriesBlockEncoder encoder;
  for (uint32_t i = 0; i < decoder->series_count(); ++i) {
    if (!decoder->Next(1000).ok()) return;
    for (const uint32_t pair : decoder->pairs()) VARVE_CHECK(pair < 1000);
    encoder.Add(decoder->pairs());
  }
  // What was read can be written and read again.
  const std::string again = encoder.Finish();
  auto second = SeriesBlockDecoder::Parse(again);
  VARVE_CHECK(second.ok() && second->series_count() == decoder->series_count());
  for (uint32_t i = 0; i < second->series_count(); ++i) VARVE_CHECK(second->Next(1000).ok());
}

void ReadPairChunk(std::string_view bytes) {
  const auto chunk = PairChunk::Decode(bytes);
  if (!chunk.ok()) return;
  for (uint32_t i = 0; i < chunk->size(); ++i) {
    const LabelPair pair = SplitPair(chunk->pair(i));
    VARVE_CHECK(!pair.name.empty() && !pair.value.empty());
  }
}

void ReadPostings(std::string_view bytes) {
  IdUnion ids;
  if (!DecodePostings(bytes, kOrdinalLimit, &ids).ok()) return;
  ids.AddRange(100, 100'000);  // a union is where bad containers do their damage
  const auto ordinals = ids.Finish().ToVector();
  VARVE_CHECK(!ordinals.empty() && ordinals.back() < kOrdinalLimit);
}

void ReadBitmap(std::string_view bytes) {
  if (!CheckPortableRoaring(bytes, kOrdinalLimit).ok()) return;
  std::string postings(1, static_cast<char>(PostingsKind::kRoaring));
  postings.append(bytes);
  AppendFixed(&postings, Hash64(postings));
  IdUnion ids;
  VARVE_CHECK(DecodePostings(postings, kOrdinalLimit, &ids).ok());
  ReadPostings(postings);
}

void ReadKey(std::string_view bytes) {
  const auto parts = ParsePostingsKey(bytes);
  if (parts.ok()) VARVE_CHECK(PostingsKey(parts->name, parts->value) == bytes);
}

void Read(uint8_t choice, std::string_view bytes) {
  switch (choice % 8) {
    case 0:
      return ReadSeriesBlock(bytes);
    case 1:
      return ReadSeriesBlock(FrameBytes(bytes));
    case 2:
      return ReadPairChunk(bytes);
    case 3:
      return ReadPairChunk(FrameBytes(bytes));
    case 4:
      return ReadPostings(bytes);
    case 5: {
      std::string checked(bytes);
      AppendFixed(&checked, static_cast<uint16_t>(Hash64(bytes)));
      return ReadPostings(checked);
    }
    case 6:
      return ReadBitmap(bytes);
    default:
      ReadKey(bytes);
      static_cast<void>(DecodePartSummary(bytes));
  }
}

}  // namespace
}  // namespace varve::index

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  varve::index::Read(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
