// Series block: the label sets of up to kSeriesPerBlock neighbouring ordinals, each a list of pair
// numbers that shares its beginning with the one before. Layout: docs/FORMATS.md, "Series table".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "varve/status.h"

namespace varve::index {

inline constexpr uint32_t kSeriesPerBlock =
    64;  // on disk: ordinal / kSeriesPerBlock is the block's number

// Thread safety: none.
class SeriesBlockEncoder {
 public:
  // REQUIRES: fewer than kSeriesPerBlock series since the last Finish.
  void Add(std::span<const uint32_t> pairs);
  uint32_t series_count() const { return series_count_; }
  // The block's bytes; the encoder starts anew.
  std::string Finish();

 private:
  std::string body_;
  std::vector<uint32_t> previous_;
  uint32_t series_count_ = 0;
};

// Walks a block series by series. Thread safety: none.
class SeriesBlockDecoder {
 public:
  // Verifies version and checksum. `bytes` must outlive the decoder. Error: kDataLoss.
  static Result<SeriesBlockDecoder> Parse(std::string_view bytes);
  uint32_t series_count() const { return series_count_; }
  // Moves to the next series. Error: kDataLoss, also when there is none, or for a pair number >=
  // `pair_limit`.
  Status Next(uint64_t pair_limit);
  // Of the series that Next moved to.
  std::span<const uint32_t> pairs() const { return pairs_; }
  size_t shared() const { return shared_; }  // the first so many are those of the series before

 private:
  SeriesBlockDecoder(ByteReader reader, uint32_t series_count)
      : reader_(reader), series_count_(series_count) {}

  ByteReader reader_;
  uint32_t series_count_;
  uint32_t next_ = 0;
  std::vector<uint32_t> pairs_;
  size_t shared_ = 0;
};

}  // namespace varve::index
