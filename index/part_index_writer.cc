#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "index/byte_arena.h"
#include "index/id_table.h"
#include "index/label_pair.h"
#include "index/pair_chunk.h"
#include "index/part_index.h"
#include "index/part_index_keys.h"
#include "index/part_summary.h"
#include "index/postings_codec.h"
#include "index/series_block.h"
#include "storage/format/label_bytes.h"

namespace varve::index {

// Pairs are numbered on first use, so blocks go out as soon as they are full; what stays in memory
// until Finish is each pair once and about a byte for each series that bears it.
class PartIndexWriter::Impl {
 public:
  explicit Impl(kv::PartWriter* writer) : writer_(writer) {}

  Status Add(std::string_view labels) {
    VARVE_CHECK(!finished_);
    RETURN_IF_ERROR(CheckNext(labels));
    const auto ordinal = static_cast<uint32_t>(series_count_);
    Number(labels);
    for (const uint32_t number : numbers_) {
      Pair& pair = pairs_[number];
      AppendVarint(&pair.gaps, ordinal - pair.next_ordinal);
      pair.next_ordinal = uint64_t{ordinal} + 1;
    }
    previous_labels_.assign(labels);
    block_.Add(numbers_);
    ++series_count_;
    return block_.series_count() == kSeriesPerBlock ? WriteBlock() : OkStatus();
  }

  Status Finish() {
    VARVE_CHECK(!finished_);
    finished_ = true;
    if (block_.series_count() > 0) RETURN_IF_ERROR(WriteBlock());
    RETURN_IF_ERROR(WritePairChunks());
    const PartSummary summary{static_cast<uint32_t>(series_count_),
                              static_cast<uint32_t>(pairs_.size())};
    RETURN_IF_ERROR(writer_->Add(kv::Family::kSeries, SummaryKey(), EncodePartSummary(summary)));
    return WritePostings();
  }

  uint64_t series_count() const { return series_count_; }

 private:
  struct Pair {
    std::string_view bytes;
    uint64_t next_ordinal = 0;  // the least that may follow
    std::string gaps;           // varints: each ordinal less the least possible
  };

  Status CheckNext(std::string_view labels) const {
    if (Status canonical = format::CheckCanonical(labels); !canonical.ok()) {
      return InvalidArgumentError("series " + std::to_string(series_count_) +
                                  " of a part: " + canonical.message());
    }
    if (series_count_ > 0 && format::CompareLabelBytes(previous_labels_, labels) >= 0) {
      return InvalidArgumentError("series " + std::to_string(series_count_) +
                                  " of a part is out of label order");
    }
    if (series_count_ == UINT32_MAX)
      return ResourceExhaustedError("a part holds at most 4294967295 series");
    return OkStatus();
  }

  // Sets numbers_ to those of the pairs of `labels`.
  void Number(std::string_view labels) {
    std::swap(numbers_, previous_numbers_);
    numbers_.clear();
    format::LabelCursor cursor(labels);
    while (cursor.Next()) {
      // Neighbours in label order mostly have the same pair in the same place.
      const size_t i = numbers_.size();
      if (i < previous_numbers_.size() && pairs_[previous_numbers_[i]].bytes == cursor.pair()) {
        numbers_.push_back(previous_numbers_[i]);
      } else {
        numbers_.push_back(NumberOf(cursor.pair()));
      }
    }
  }

  uint32_t NumberOf(std::string_view pair) {
    const auto tag = static_cast<uint32_t>(Hash64(pair) >> 32);
    const uint32_t known =
        table_.Find(tag, [&](uint32_t number) { return pairs_[number].bytes == pair; });
    if (known != IdTable::kNoId) return known;
    const auto number = static_cast<uint32_t>(pairs_.size());
    pairs_.push_back({arena_.Add(pair), 0, {}});
    table_.Insert(tag, number);
    return number;
  }

  Status WriteBlock() {
    const auto number = static_cast<uint32_t>((series_count_ - 1) / kSeriesPerBlock);
    return writer_->Add(kv::Family::kSeries, SeriesBlockKey(number), block_.Finish());
  }

  Status WritePairChunks() {
    std::vector<std::string_view> chunk;
    for (size_t first = 0; first < pairs_.size(); first += kPairsPerChunk) {
      chunk.clear();
      const size_t end = std::min<size_t>(first + kPairsPerChunk, pairs_.size());
      for (size_t i = first; i < end; ++i) chunk.push_back(pairs_[i].bytes);
      const std::string key = PairChunkKey(static_cast<uint32_t>(first / kPairsPerChunk));
      RETURN_IF_ERROR(writer_->Add(kv::Family::kSeries, key, EncodePairChunk(chunk)));
    }
    return OkStatus();
  }

  Status WritePostings() {
    std::vector<uint32_t> order(pairs_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      const LabelPair x = SplitPair(pairs_[a].bytes);
      const LabelPair y = SplitPair(pairs_[b].bytes);
      return std::tie(x.name, x.value) < std::tie(y.name, y.value);
    });
    std::vector<uint32_t> ordinals;
    std::string value;
    for (const uint32_t number : order) {
      DecodeGaps(pairs_[number].gaps, &ordinals);
      value.clear();
      EncodePostings(ordinals, &value);
      const LabelPair pair = SplitPair(pairs_[number].bytes);
      RETURN_IF_ERROR(
          writer_->Add(kv::Family::kPostings, PostingsKey(pair.name, pair.value), value));
    }
    return OkStatus();
  }

  static void DecodeGaps(const std::string& gaps, std::vector<uint32_t>* ordinals) {
    ordinals->clear();
    uint64_t next = 0;
    ByteReader reader(gaps);
    while (!reader.done()) {
      next += reader.Varint();
      ordinals->push_back(static_cast<uint32_t>(next++));
    }
    VARVE_CHECK(reader.ok());
  }

  kv::PartWriter* writer_;
  bool finished_ = false;
  uint64_t series_count_ = 0;
  std::string previous_labels_;
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> previous_numbers_;
  SeriesBlockEncoder block_;
  ByteArena arena_;
  IdTable table_;  // by pair bytes
  std::vector<Pair> pairs_;
};

PartIndexWriter::PartIndexWriter(kv::PartWriter* writer) : impl_(std::make_unique<Impl>(writer)) {}
PartIndexWriter::~PartIndexWriter() = default;
Status PartIndexWriter::Add(std::string_view labels) { return impl_->Add(labels); }
Status PartIndexWriter::Finish() { return impl_->Finish(); }
uint64_t PartIndexWriter::series_count() const { return impl_->series_count(); }

}  // namespace varve::index
