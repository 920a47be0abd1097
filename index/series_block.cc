#include "index/series_block.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "index/checked_bytes.h"

namespace varve::index {

void SeriesBlockEncoder::Add(std::span<const uint32_t> pairs) {
  VARVE_CHECK(series_count_ < kSeriesPerBlock);
  const auto split =
      std::mismatch(pairs.begin(), pairs.end(), previous_.begin(), previous_.end()).first;
  const auto shared = static_cast<size_t>(split - pairs.begin());
  AppendVarint(&body_, shared);
  AppendVarint(&body_, pairs.size() - shared);
  for (const uint32_t pair : pairs.subspan(shared)) AppendVarint(&body_, pair);
  previous_.assign(pairs.begin(), pairs.end());
  ++series_count_;
}

std::string SeriesBlockEncoder::Finish() {
  std::string body;
  AppendVarint(&body, std::exchange(series_count_, 0));
  body.append(body_);
  body_.clear();
  previous_.clear();
  return FrameBytes(body);
}

Result<SeriesBlockDecoder> SeriesBlockDecoder::Parse(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view body, UnframeBytes(bytes));
  ByteReader reader(body);
  const uint64_t series_count = reader.Varint();
  if (!reader.ok() || series_count == 0 || series_count > kSeriesPerBlock) {
    return DataLossError("bad series count " + std::to_string(series_count));
  }
  return SeriesBlockDecoder(reader, static_cast<uint32_t>(series_count));
}

Status SeriesBlockDecoder::Next(uint64_t pair_limit) {
  if (next_ == series_count_) return DataLossError("no series " + std::to_string(next_));
  const uint64_t shared = reader_.Varint();
  const uint64_t added = reader_.Varint();
  // A pair number takes a byte at least.
  if (!reader_.ok() || shared > pairs_.size() || added > reader_.remaining()) {
    return DataLossError("series " + std::to_string(next_) + " is malformed");
  }
  shared_ = static_cast<size_t>(shared);
  pairs_.resize(shared_);
  for (uint64_t i = 0; i < added; ++i) {
    const uint64_t pair = reader_.Varint();
    if (!reader_.ok() || pair >= pair_limit) {
      return DataLossError("series " + std::to_string(next_) + " has no valid pair " +
                           std::to_string(pair));
    }
    pairs_.push_back(static_cast<uint32_t>(pair));
  }
  ++next_;
  if (next_ == series_count_ && !reader_.done())
    return DataLossError("bytes follow the last series");
  return OkStatus();
}

}  // namespace varve::index
