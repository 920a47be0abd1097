#include "compaction/time_columns.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "storage/codec/columns.h"
#include "storage/format/time_column_block.h"

namespace varve::compaction {
namespace {

std::string BlockKey(uint32_t block) {
  std::string key;
  AppendBigEndian32(&key, block);
  return key;
}

}  // namespace

Result<uint32_t> TimeColumnWriter::Add(std::span<const int64_t> timestamps_ms) {
  const uint64_t hash = Hash64(std::string_view(reinterpret_cast<const char*>(timestamps_ms.data()),
                                                timestamps_ms.size_bytes()));
  scratch_.clear();
  codec::EncodeTimes(timestamps_ms, &scratch_);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    const uint32_t number = at->second;
    if (places_[number].sample_count == timestamps_ms.size() && Encoded(number) == scratch_) {
      return number;
    }
  }
  if (places_.size() == std::numeric_limits<uint32_t>::max()) {
    return ResourceExhaustedError("a part holds at most " + std::to_string(places_.size()) +
                                  " time columns");
  }
  const auto number = static_cast<uint32_t>(places_.size());
  places_.push_back({encoded_.size(), static_cast<uint32_t>(scratch_.size()),
                     static_cast<uint32_t>(timestamps_ms.size())});
  encoded_.append(scratch_);
  by_hash_.emplace(hash, number);
  return number;
}

Status TimeColumnWriter::Finish(kv::PartWriter* writer) {
  std::string value;
  std::vector<format::EncodedTimeColumn> columns;
  for (size_t begin = 0; begin < places_.size(); begin += format::kTimeColumnsPerBlock) {
    const size_t end = std::min(places_.size(), begin + format::kTimeColumnsPerBlock);
    columns.clear();
    for (size_t number = begin; number < end; ++number) {
      columns.push_back({places_[number].sample_count, Encoded(static_cast<uint32_t>(number))});
    }
    value.clear();
    format::EncodeTimeColumnBlock(columns, &value);
    const auto block = static_cast<uint32_t>(begin / format::kTimeColumnsPerBlock);
    RETURN_IF_ERROR(writer->Add(kv::Family::kTimeColumns, BlockKey(block), value));
  }
  return OkStatus();
}

Result<std::shared_ptr<const TimeColumn>> TimeColumnReader::Get(uint32_t number) const {
  {
    MutexLock lock(&mutex_);
    const auto found = cache_.find(number);
    if (found != cache_.end()) return found->second;
  }
  Result<std::shared_ptr<const TimeColumn>> column = Load(number);
  if (!column.ok()) return column.status().WithContext("time column " + std::to_string(number));
  MutexLock lock(&mutex_);
  cache_bytes_ += (*column)->size() * sizeof(int64_t);
  if (cache_bytes_ > kCacheBytesMax) {
    cache_.clear();
    cache_bytes_ = (*column)->size() * sizeof(int64_t);
  }
  cache_.insert_or_assign(number, *column);
  return column;
}

Result<std::shared_ptr<const TimeColumn>> TimeColumnReader::Load(uint32_t number) const {
  const Result<kv::PinnedBytes> bytes =
      part_->Get(kv::Family::kTimeColumns, BlockKey(number / format::kTimeColumnsPerBlock));
  if (bytes.status().code() == StatusCode::kNotFound) return DataLossError("is missing");
  RETURN_IF_ERROR(bytes.status());
  ASSIGN_OR_RETURN(const std::vector<format::EncodedTimeColumn> columns,
                   format::ParseTimeColumnBlock(bytes->view()));
  const uint32_t place = number % format::kTimeColumnsPerBlock;
  if (place >= columns.size()) return DataLossError("is missing in its block");
  auto column = std::make_shared<TimeColumn>(columns[place].sample_count);
  RETURN_IF_ERROR(
      codec::DecodeTimes(columns[place].bytes, columns[place].sample_count, column->data()));
  // Here, once, and not for every chunk that has it.
  const auto not_after = std::adjacent_find(column->begin(), column->end(), std::greater_equal<>());
  if (not_after != column->end()) {
    return DataLossError("does not ascend strictly at " + std::to_string(*not_after));
  }
  return std::shared_ptr<const TimeColumn>(std::move(column));
}

}  // namespace varve::compaction
