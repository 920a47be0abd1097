#include <algorithm>
#include <atomic>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/varint.h"
#include "storage/format/span_block.h"

namespace varve::format {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;

uint32_t Number(SpanColumn column) { return static_cast<uint32_t>(column); }

uint64_t Undo(uint64_t zigzag, uint64_t base) {
  return base + static_cast<uint64_t>(ZigZagDecode(zigzag));
}

Result<SpanBlockHeader> ReadHeader(std::string_view bytes) {
  if (bytes.size() < kChecksumBytes + 1) return DataLossError("span block: the header is cut off");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader sum(bytes.substr(body.size()));
  if (sum.Fixed<uint64_t>() != Hash64(body)) {
    return DataLossError("span block: the header fails its checksum");
  }
  ByteReader reader(body);
  if (const auto version = reader.Fixed<uint8_t>(); version != kVersion) {
    return FailedPreconditionError("span block: version " + std::to_string(version) +
                                   " is not known here");
  }
  SpanBlockHeader header;
  bool fits = true;
  const auto count = [&](uint32_t max) {
    const uint64_t value = reader.Varint();
    fits = fits && value <= max;
    return static_cast<uint32_t>(value);
  };
  constexpr uint32_t kItemsMax = 1u << 30;
  header.row_count = count(kSpanBlockRowsMax);
  header.trace_count = count(header.row_count);
  header.event_count = count(kItemsMax);
  header.link_count = count(kItemsMax);
  header.resource_count = count(header.row_count);
  header.scope_count = count(header.row_count);
  header.min_start_ns = reader.Varint();
  header.max_start_ns = header.min_start_ns + reader.Varint();
  header.shape_count = count(kItemsMax);
  const uint32_t attributes = count(kItemsMax);
  if (!fits || !reader.ok() || header.row_count == 0 || header.trace_count == 0 ||
      header.max_start_ns < header.min_start_ns || attributes > reader.remaining()) {
    return DataLossError("span block: counts of the header are impossible");
  }
  for (uint32_t i = 0; i < attributes; ++i) {
    AttributeColumnInfo& info = header.attributes.emplace_back();
    const auto scope = reader.Fixed<uint8_t>();
    const auto type = reader.Fixed<uint8_t>();
    info.key = reader.LengthPrefixed();
    info.value_count = count(kItemsMax);
    if (!fits || !reader.ok() || scope > static_cast<uint8_t>(AttributeScope::kLink) ||
        type > static_cast<uint8_t>(AttributeType::kOther)) {
      return DataLossError("span block: an attribute column of the header is impossible");
    }
    info.scope = static_cast<AttributeScope>(scope);
    info.type = static_cast<AttributeType>(type);
  }
  if (!reader.done()) return DataLossError("span block: bytes follow the header");
  return header;
}

using Shapes = std::vector<std::vector<uint32_t>>;

constexpr SpanColumn ShapesOf(AttributeScope scope) {
  switch (scope) {
    case AttributeScope::kEvent:
      return SpanColumn::kEventShapes;
    case AttributeScope::kLink:
      return SpanColumn::kLinkShapes;
    case AttributeScope::kSpan:
      break;
  }
  return SpanColumn::kShapes;
}

}  // namespace

// The columns of a block. What is decoded is published by a flag and stays as it is; the rest
// happens under the mutex.
class SpanBlock::Columns {
 public:
  Columns(Fetch fetch, const SpanBlockHeader& header)
      : fetch_(std::move(fetch)),
        attributes_(header.attributes),
        row_count_(header.row_count),
        trace_count_(header.trace_count),
        event_count_(header.event_count),
        link_count_(header.link_count),
        resource_count_(header.resource_count),
        scope_count_(header.scope_count),
        shape_count_(header.shape_count),
        attribute_count_(static_cast<uint32_t>(header.attributes.size())),
        columns_(
            std::make_unique<Column[]>(Number(SpanColumn::kFirstAttribute) + attribute_count_)),
        memory_bytes_((Number(SpanColumn::kFirstAttribute) + attribute_count_) * sizeof(Column) +
                      attribute_count_ * 2 * sizeof(AttributeColumnInfo)) {}

  size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

  // Bytes as they are, of which there must be so many.
  Result<const std::string*> Raw(SpanColumn column, size_t size) EXCLUDES(mutex_) {
    Column& at = columns_[Number(column)];
    if (!at.has_bytes.load(std::memory_order_acquire)) {
      MutexLock lock(&mutex_);
      RETURN_IF_ERROR(FetchBytes(Number(column)));
    }
    if (at.bytes.size() != size) {
      return DataLoss(Number(column), "its size is not that of its rows");
    }
    return &at.bytes;
  }

  Result<const std::vector<uint64_t>*> Values(uint32_t column, size_t count) EXCLUDES(mutex_) {
    Column& at = columns_[column];
    if (at.has_values.load(std::memory_order_acquire)) return &at.values;
    MutexLock lock(&mutex_);
    return ValuesLocked(column, count);
  }

  Result<const codec::StringColumn*> Strings(uint32_t column, size_t count) EXCLUDES(mutex_) {
    Column& at = columns_[column];
    if (at.has_strings.load(std::memory_order_acquire)) return &at.strings;
    MutexLock lock(&mutex_);
    if (at.has_strings.load(std::memory_order_relaxed)) return &at.strings;
    RETURN_IF_ERROR(FetchBytes(column));
    if (at.bytes.empty() && count > 0) {
      at.strings.dictionary = {std::string_view()};
      at.strings.indices.assign(count, 0);
    } else if (!codec::DecodeStrings(at.bytes, count, &at.strings)) {
      return DataLoss(column, "not a column of so many strings");
    }
    Publish(&at.has_strings, at.strings.dictionary.size() * sizeof(std::string_view) +
                                 at.strings.indices.size() * sizeof(uint32_t));
    return &at.strings;
  }

  Result<const std::vector<uint32_t>*> Begins(SpanColumn counts) EXCLUDES(mutex_) {
    Column& at = columns_[Number(counts)];
    if (at.has_numbers.load(std::memory_order_acquire)) return &at.numbers;
    MutexLock lock(&mutex_);
    return BeginsLocked(counts);
  }

  Result<const std::vector<uint32_t>*> Parents() EXCLUDES(mutex_) {
    Column& at = columns_[Number(SpanColumn::kParents)];
    if (at.has_numbers.load(std::memory_order_acquire)) return &at.numbers;
    MutexLock lock(&mutex_);
    return ParentsLocked();
  }

  // REQUIRES: Parents() succeeded, which looks at their number.
  const std::string* ParentIdBytes() const {
    return &columns_[Number(SpanColumn::kParentIds)].bytes;
  }

  Result<const std::vector<uint64_t>*> Starts() EXCLUDES(mutex_) {
    Column& at = columns_[Number(SpanColumn::kStarts)];
    if (at.has_values.load(std::memory_order_acquire)) return &at.values;
    MutexLock lock(&mutex_);
    return StartsLocked();
  }

  Result<const std::vector<uint64_t>*> Durations() EXCLUDES(mutex_) {
    Column& at = columns_[Number(SpanColumn::kDurations)];
    if (at.has_values.load(std::memory_order_acquire)) return &at.values;
    MutexLock lock(&mutex_);
    if (at.has_values.load(std::memory_order_relaxed)) return &at.values;
    std::vector<uint64_t> durations;
    RETURN_IF_ERROR(Decode(SpanColumn::kDurations, row_count_, &durations));
    for (uint64_t& duration : durations) duration = Undo(duration, 0);
    return Keep(std::move(durations), &at);
  }

  Result<const Shapes*> ShapeTable() EXCLUDES(mutex_) {
    if (has_shapes_.load(std::memory_order_acquire)) return &shapes_;
    MutexLock lock(&mutex_);
    return ShapeTableLocked();
  }

  Result<const std::vector<uint64_t>*> ShapeNumbers(AttributeScope scope) EXCLUDES(mutex_) {
    const uint32_t column = Number(ShapesOf(scope));
    Column& at = columns_[column];
    if (at.has_values.load(std::memory_order_acquire)) return &at.values;
    MutexLock lock(&mutex_);
    return ShapeNumbersLocked(scope);
  }

  Result<const std::vector<uint32_t>*> AttributeRows(uint32_t i, const AttributeColumnInfo& info)
      EXCLUDES(mutex_) {
    Column& at = columns_[Number(SpanColumn::kFirstAttribute) + i];
    if (at.has_numbers.load(std::memory_order_acquire)) return &at.numbers;
    MutexLock lock(&mutex_);
    return AttributeRowsLocked(i, info);
  }

  // The rows before `row` that have the column, each as often as it has it. REQUIRES: the row is
  // one of its scope.
  Result<uint32_t> Rank(uint32_t i, AttributeScope scope, uint32_t row) EXCLUDES(mutex_) {
    Ranks& ranks = ranks_[static_cast<size_t>(scope)];
    if (!ranks.is_ready.load(std::memory_order_acquire)) {
      MutexLock lock(&mutex_);
      RETURN_IF_ERROR(CountRanks(scope));
    }
    const std::vector<uint64_t>& numbers = columns_[Number(ShapesOf(scope))].values;
    const uint32_t checkpoint = row / kRowsPerCheckpoint;
    uint32_t at = checkpoint * kRowsPerCheckpoint;
    uint32_t rank = ranks.checkpoints[size_t{checkpoint} * attribute_count_ + i];
    // Rows are mostly asked for in order: go on from the last one.
    std::atomic<uint64_t>& last = columns_[Number(SpanColumn::kFirstAttribute) + i].last_rank;
    const uint64_t known = last.load(std::memory_order_relaxed);
    if (const auto known_row = static_cast<uint32_t>(known >> 32);
        known_row > at && known_row <= row) {
      at = known_row;
      rank = static_cast<uint32_t>(known);
    }
    for (; at < row; ++at) {
      const std::vector<uint32_t>& shape = shapes_[numbers[at]];
      rank += static_cast<uint32_t>(std::count(shape.begin(), shape.end(), i));
    }
    last.store(uint64_t{row} << 32 | rank, std::memory_order_relaxed);
    return rank;
  }

  static Status DataLoss(uint32_t column, const char* what) {
    return DataLossError("span block: column " + std::to_string(column) + ": " + what);
  }

  size_t CountOf(SpanColumn column) const {
    switch (column) {
      case SpanColumn::kTraceRows:
      case SpanColumn::kTraceStarts:
        return trace_count_;
      case SpanColumn::kResourceTable:
        return resource_count_;
      case SpanColumn::kScopeTable:
        return scope_count_;
      case SpanColumn::kEventTimes:
      case SpanColumn::kEventNames:
      case SpanColumn::kEventDroppedAttributes:
      case SpanColumn::kEventShapes:
        return event_count_;
      case SpanColumn::kLinkTraceIds:
      case SpanColumn::kLinkSpanIds:
      case SpanColumn::kLinkTraceStates:
      case SpanColumn::kLinkDroppedAttributes:
      case SpanColumn::kLinkFlags:
      case SpanColumn::kLinkShapes:
        return link_count_;
      default:
        return row_count_;
    }
  }

 private:
  struct Column {
    std::string bytes;
    std::vector<uint64_t> values;
    std::vector<uint32_t> numbers;
    codec::StringColumn strings;
    std::atomic<bool> has_bytes{false};
    std::atomic<bool> has_values{false};
    std::atomic<bool> has_numbers{false};
    std::atomic<bool> has_strings{false};
    std::atomic<uint64_t> last_rank{0};  // of an attribute: row << 32 | rank
  };
  // By checkpoint, which is every so many rows, and attribute column: its values before.
  static constexpr uint32_t kRowsPerCheckpoint = 256;
  struct Ranks {
    std::vector<uint32_t> checkpoints;
    std::atomic<bool> is_ready{false};
  };

  void Publish(std::atomic<bool>* flag, size_t bytes) REQUIRES(mutex_) {
    memory_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    flag->store(true, std::memory_order_release);
  }

  Result<const std::vector<uint64_t>*> Keep(std::vector<uint64_t> values, Column* at)
      REQUIRES(mutex_) {
    at->values = std::move(values);
    Publish(&at->has_values, at->values.size() * sizeof(uint64_t));
    return &at->values;
  }

  Result<const std::vector<uint32_t>*> Keep(std::vector<uint32_t> numbers, Column* at)
      REQUIRES(mutex_) {
    at->numbers = std::move(numbers);
    Publish(&at->has_numbers, at->numbers.size() * sizeof(uint32_t));
    return &at->numbers;
  }

  Status FetchBytes(uint32_t column) REQUIRES(mutex_) {
    Column& at = columns_[column];
    if (at.has_bytes.load(std::memory_order_relaxed)) return OkStatus();
    ASSIGN_OR_RETURN(at.bytes, fetch_(column));
    Publish(&at.has_bytes, at.bytes.size());
    return OkStatus();
  }

  // A column that was left out holds zeros.
  Status Decode(uint32_t column, size_t count, std::vector<uint64_t>* values) REQUIRES(mutex_) {
    ASSIGN_OR_RETURN(const std::string bytes, fetch_(column));
    if (bytes.empty()) {
      values->assign(count, 0);
    } else if (!codec::DecodeValues(bytes, count, values)) {
      return DataLoss(column, "not a column of so many values");
    }
    return OkStatus();
  }
  Status Decode(SpanColumn column, size_t count, std::vector<uint64_t>* values) REQUIRES(mutex_) {
    return Decode(Number(column), count, values);
  }

  Result<const std::vector<uint64_t>*> ValuesLocked(uint32_t column, size_t count)
      REQUIRES(mutex_) {
    Column& at = columns_[column];
    if (at.has_values.load(std::memory_order_relaxed)) return &at.values;
    std::vector<uint64_t> values;
    RETURN_IF_ERROR(Decode(column, count, &values));
    return Keep(std::move(values), &at);
  }

  Result<const std::vector<uint32_t>*> BeginsLocked(SpanColumn counts) REQUIRES(mutex_) {
    Column& at = columns_[Number(counts)];
    if (at.has_numbers.load(std::memory_order_relaxed)) return &at.numbers;
    std::vector<uint64_t> values;
    RETURN_IF_ERROR(Decode(counts, CountOf(counts), &values));
    size_t total = row_count_;
    if (counts == SpanColumn::kEventCounts) total = event_count_;
    if (counts == SpanColumn::kLinkCounts) total = link_count_;
    std::vector<uint32_t> begins = {0};
    begins.reserve(values.size() + 1);
    uint64_t sum = 0;
    for (const uint64_t value : values) {
      if (value > total - sum) return DataLoss(Number(counts), "it counts more than there is");
      if (value == 0 && counts == SpanColumn::kTraceRows) {
        return DataLoss(Number(counts), "a trace without rows");
      }
      sum += value;
      begins.push_back(static_cast<uint32_t>(sum));
    }
    if (sum != total) return DataLoss(Number(counts), "it counts less than there is");
    return Keep(std::move(begins), &at);
  }

  Result<const std::vector<uint32_t>*> ParentsLocked() REQUIRES(mutex_) {
    Column& at = columns_[Number(SpanColumn::kParents)];
    if (at.has_numbers.load(std::memory_order_relaxed)) return &at.numbers;
    std::vector<uint64_t> values;
    RETURN_IF_ERROR(Decode(SpanColumn::kParents, row_count_, &values));
    std::vector<uint32_t> parents;
    parents.reserve(values.size());
    uint32_t elsewhere = 0;
    for (size_t row = 0; row < values.size(); ++row) {
      const uint64_t value = values[row];
      if (value == 0) {
        parents.push_back(kNoParent);
      } else if (value == 1) {
        parents.push_back(kParentElsewhere + elsewhere++);
      } else {
        const uint64_t parent = Undo(value - 2, row);
        if (parent >= row_count_) {
          return DataLoss(Number(SpanColumn::kParents), "a parent beyond the last row");
        }
        parents.push_back(static_cast<uint32_t>(parent));
      }
    }
    const uint32_t ids = Number(SpanColumn::kParentIds);
    RETURN_IF_ERROR(FetchBytes(ids));
    if (columns_[ids].bytes.size() != elsewhere * kSpanIdBytes) {
      return DataLoss(ids, "its size is not that of its rows");
    }
    return Keep(std::move(parents), &at);
  }

  Result<const std::vector<uint64_t>*> StartsLocked() REQUIRES(mutex_) {
    Column& at = columns_[Number(SpanColumn::kStarts)];
    if (at.has_values.load(std::memory_order_relaxed)) return &at.values;
    std::vector<uint64_t> starts;
    RETURN_IF_ERROR(Decode(SpanColumn::kStarts, row_count_, &starts));
    std::vector<uint64_t> firsts;
    RETURN_IF_ERROR(Decode(SpanColumn::kTraceStarts, trace_count_, &firsts));
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, BeginsLocked(SpanColumn::kTraceRows));
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, ParentsLocked());
    for (size_t trace = 0; trace + 1 < begins->size(); ++trace) {
      for (uint32_t row = (*begins)[trace]; row < (*begins)[trace + 1]; ++row) {
        const uint32_t parent = (*parents)[row];
        starts[row] = Undo(starts[row], parent < row ? starts[parent] : firsts[trace]);
      }
    }
    return Keep(std::move(starts), &at);
  }

  Result<const Shapes*> ShapeTableLocked() REQUIRES(mutex_) {
    if (has_shapes_.load(std::memory_order_relaxed)) return &shapes_;
    ASSIGN_OR_RETURN(const std::string bytes, fetch_(Number(SpanColumn::kShapeTable)));
    ByteReader reader(bytes);
    Shapes shapes;
    while (!reader.done()) {
      const uint64_t size = reader.Varint();
      if (!reader.ok() || size > reader.remaining()) break;
      std::vector<uint32_t>& shape = shapes.emplace_back(size);
      for (uint32_t& column : shape) {
        const uint64_t number = reader.Varint();
        if (number >= attribute_count_) {
          return DataLoss(Number(SpanColumn::kShapeTable), "an attribute column that is not there");
        }
        column = static_cast<uint32_t>(number);
      }
    }
    if (!reader.ok() || !reader.done() || shapes.size() != shape_count_) {
      return DataLoss(Number(SpanColumn::kShapeTable), "not as many shapes as the header says");
    }
    shapes_ = std::move(shapes);
    Publish(&has_shapes_, 4 * bytes.size());
    return &shapes_;
  }

  Result<const std::vector<uint64_t>*> ShapeNumbersLocked(AttributeScope scope) REQUIRES(mutex_) {
    const SpanColumn column = ShapesOf(scope);
    Column& at = columns_[Number(column)];
    if (at.has_values.load(std::memory_order_relaxed)) return &at.values;
    ASSIGN_OR_RETURN(const Shapes* shapes, ShapeTableLocked());
    std::vector<uint64_t> numbers;
    RETURN_IF_ERROR(Decode(column, CountOf(column), &numbers));
    for (const uint64_t number : numbers) {
      if (number >= shapes->size()) return DataLoss(Number(column), "a shape that is not there");
    }
    return Keep(std::move(numbers), &at);
  }

  Result<const std::vector<uint32_t>*> AttributeRowsLocked(uint32_t i,
                                                           const AttributeColumnInfo& info)
      REQUIRES(mutex_) {
    const uint32_t column = Number(SpanColumn::kFirstAttribute) + i;
    Column& at = columns_[column];
    if (at.has_numbers.load(std::memory_order_relaxed)) return &at.numbers;
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, ShapeNumbersLocked(info.scope));
    std::vector<uint32_t> times(shapes_.size());  // that a shape has the column
    for (size_t shape = 0; shape < shapes_.size(); ++shape) {
      times[shape] =
          static_cast<uint32_t>(std::count(shapes_[shape].begin(), shapes_[shape].end(), i));
    }
    std::vector<uint32_t> rows;
    rows.reserve(std::min<size_t>(info.value_count, numbers->size()));
    for (uint32_t row = 0; row < numbers->size(); ++row) {
      for (uint32_t left = times[(*numbers)[row]]; left > 0; --left) rows.push_back(row);
      if (rows.size() > info.value_count) return DataLoss(column, "values that are not there");
    }
    if (rows.size() != info.value_count) return DataLoss(column, "values that no row has");
    return Keep(std::move(rows), &at);
  }

  // Every row's values are the next ones of its shape's columns.
  Status CountRanks(AttributeScope scope) REQUIRES(mutex_) {
    Ranks& ranks = ranks_[static_cast<size_t>(scope)];
    if (ranks.is_ready.load(std::memory_order_relaxed)) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, ShapeNumbersLocked(scope));
    std::vector<uint32_t> counts(attribute_count_);
    std::vector<uint32_t> checkpoints;
    checkpoints.reserve((numbers->size() / kRowsPerCheckpoint + 1) * attribute_count_);
    for (size_t row = 0; row < numbers->size(); ++row) {
      if (row % kRowsPerCheckpoint == 0) {
        checkpoints.insert(checkpoints.end(), counts.begin(), counts.end());
      }
      for (const uint32_t column : shapes_[(*numbers)[row]]) ++counts[column];
    }
    for (uint32_t i = 0; i < attribute_count_; ++i) {
      const uint32_t expected = attributes_[i].scope == scope ? attributes_[i].value_count : 0;
      if (counts[i] != expected) {
        return DataLoss(Number(SpanColumn::kFirstAttribute) + i, "rows have another number of it");
      }
    }
    ranks.checkpoints = std::move(checkpoints);
    Publish(&ranks.is_ready, ranks.checkpoints.size() * sizeof(uint32_t));
    return OkStatus();
  }

  const Fetch fetch_;
  const std::vector<AttributeColumnInfo> attributes_;
  const uint32_t row_count_;
  const uint32_t trace_count_;
  const uint32_t event_count_;
  const uint32_t link_count_;
  const uint32_t resource_count_;
  const uint32_t scope_count_;
  const uint32_t shape_count_;
  const uint32_t attribute_count_;
  const std::unique_ptr<Column[]> columns_;  // by column number
  Mutex mutex_;
  Shapes shapes_;
  std::atomic<bool> has_shapes_{false};
  Ranks ranks_[3];                    // by scope
  std::atomic<size_t> memory_bytes_;  // of itself and what is decoded, about
};

SpanBlock::SpanBlock(SpanBlockHeader header, std::unique_ptr<Columns> columns)
    : header_(std::move(header)), columns_(std::move(columns)) {}
SpanBlock::~SpanBlock() = default;
SpanBlock::SpanBlock(SpanBlock&&) noexcept = default;
SpanBlock& SpanBlock::operator=(SpanBlock&&) noexcept = default;

Result<SpanBlock> SpanBlock::Open(Fetch fetch) {
  ASSIGN_OR_RETURN(const std::string bytes, fetch(Number(SpanColumn::kHeader)));
  ASSIGN_OR_RETURN(SpanBlockHeader header, ReadHeader(bytes));
  auto columns = std::make_unique<Columns>(std::move(fetch), header);
  return SpanBlock(std::move(header), std::move(columns));
}

size_t SpanBlock::memory_bytes() const { return columns_->memory_bytes(); }

Result<const std::vector<uint64_t>*> SpanBlock::Values(SpanColumn column) const {
  return columns_->Values(Number(column), columns_->CountOf(column));
}

Result<const codec::StringColumn*> SpanBlock::Strings(SpanColumn column) const {
  return columns_->Strings(Number(column), columns_->CountOf(column));
}

Result<const std::string*> SpanBlock::TraceIds() const {
  return columns_->Raw(SpanColumn::kTraceIds, header_.trace_count * kTraceIdBytes);
}

Result<const std::string*> SpanBlock::SpanIds() const {
  return columns_->Raw(SpanColumn::kSpanIds, header_.row_count * kSpanIdBytes);
}

Result<const std::vector<uint32_t>*> SpanBlock::TraceBegins() const {
  return columns_->Begins(SpanColumn::kTraceRows);
}

Result<const std::vector<uint32_t>*> SpanBlock::Begins(SpanColumn counts) const {
  return columns_->Begins(counts);
}

Result<const std::vector<uint32_t>*> SpanBlock::Parents() const { return columns_->Parents(); }

Result<const std::string*> SpanBlock::ParentIds() const {
  RETURN_IF_ERROR(Parents().status());
  return columns_->ParentIdBytes();
}

Result<const std::vector<uint64_t>*> SpanBlock::Starts() const { return columns_->Starts(); }
Result<const std::vector<uint64_t>*> SpanBlock::Durations() const { return columns_->Durations(); }

Result<const std::vector<uint32_t>*> SpanBlock::AttributeRows(uint32_t i) const {
  return columns_->AttributeRows(i, header_.attributes[i]);
}

Result<uint32_t> SpanBlock::FindAttribute(uint32_t i, uint32_t row) const {
  const AttributeScope scope = header_.attributes[i].scope;
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, columns_->ShapeNumbers(scope));
  ASSIGN_OR_RETURN(const Shapes* shapes, columns_->ShapeTable());
  const std::vector<uint32_t>& shape = (*shapes)[(*numbers)[row]];
  if (std::find(shape.begin(), shape.end(), i) == shape.end()) return kNoValue;
  return columns_->Rank(i, scope, row);
}

Result<const std::vector<uint64_t>*> SpanBlock::AttributeValues(uint32_t i) const {
  return columns_->Values(Number(SpanColumn::kFirstAttribute) + i,
                          header_.attributes[i].value_count);
}

Result<const codec::StringColumn*> SpanBlock::AttributeStrings(uint32_t i) const {
  return columns_->Strings(Number(SpanColumn::kFirstAttribute) + i,
                           header_.attributes[i].value_count);
}

Status SpanBlock::ReadAttributes(AttributeScope scope, uint32_t row, SpanFields* span,
                                 AttributeRange* range) const {
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* numbers, columns_->ShapeNumbers(scope));
  ASSIGN_OR_RETURN(const Shapes* shapes, columns_->ShapeTable());
  const std::vector<uint32_t>& shape = (*shapes)[(*numbers)[row]];
  range->begin = static_cast<uint32_t>(span->attributes.size());
  for (size_t k = 0; k < shape.size(); ++k) {
    const uint32_t column = shape[k];
    const AttributeColumnInfo& info = header_.attributes[column];
    if (info.scope != scope) {
      return Columns::DataLoss(Number(ShapesOf(scope)), "a shape of something else");
    }
    ASSIGN_OR_RETURN(uint32_t at, columns_->Rank(column, scope, row));
    // A key may be there twice.
    at += static_cast<uint32_t>(
        std::count(shape.begin(), shape.begin() + static_cast<long>(k), column));
    SpanAttribute attribute;
    attribute.key = info.key;
    attribute.type = info.type;
    if (info.type == AttributeType::kString || info.type == AttributeType::kOther) {
      ASSIGN_OR_RETURN(const codec::StringColumn* strings, AttributeStrings(column));
      attribute.text = strings->at(at);
    } else {
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, AttributeValues(column));
      attribute.bits = (*values)[at];
    }
    span->attributes.push_back(attribute);
  }
  range->end = static_cast<uint32_t>(span->attributes.size());
  return OkStatus();
}

Status SpanBlock::ReadRow(uint32_t row, SpanFields* span) const {
  span->Clear();
  const auto value = [&](SpanColumn column, size_t at, auto* out) -> Status {
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* values, Values(column));
    *out = static_cast<std::remove_reference_t<decltype(*out)>>((*values)[at]);
    return OkStatus();
  };
  const auto text = [&](SpanColumn column, size_t at, std::string_view* out) -> Status {
    ASSIGN_OR_RETURN(const codec::StringColumn* strings, Strings(column));
    *out = strings->at(at);
    return OkStatus();
  };
  ASSIGN_OR_RETURN(const std::string* trace_ids, TraceIds());
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, TraceBegins());
  const auto trace = std::upper_bound(begins->begin(), begins->end(), row) - begins->begin() - 1;
  span->trace_id = std::string_view(*trace_ids)
                       .substr(static_cast<size_t>(trace) * kTraceIdBytes, kTraceIdBytes);
  ASSIGN_OR_RETURN(const std::string* span_ids, SpanIds());
  span->span_id = std::string_view(*span_ids).substr(row * kSpanIdBytes, kSpanIdBytes);
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, Parents());
  const uint32_t parent = (*parents)[row];
  if (parent != kNoParent) {
    ASSIGN_OR_RETURN(const std::string* elsewhere, ParentIds());
    span->parent_span_id =
        parent >= kParentElsewhere
            ? std::string_view(*elsewhere)
                  .substr((parent - kParentElsewhere) * kSpanIdBytes, kSpanIdBytes)
            : std::string_view(*span_ids).substr(parent * kSpanIdBytes, kSpanIdBytes);
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, Starts());
  ASSIGN_OR_RETURN(const std::vector<uint64_t>* durations, Durations());
  span->start_ns = (*starts)[row];
  span->end_ns = (*starts)[row] + (*durations)[row];
  RETURN_IF_ERROR(text(SpanColumn::kNames, row, &span->name));
  RETURN_IF_ERROR(value(SpanColumn::kKinds, row, &span->kind));
  RETURN_IF_ERROR(value(SpanColumn::kStatusCodes, row, &span->status_code));
  RETURN_IF_ERROR(text(SpanColumn::kStatusMessages, row, &span->status_message));
  RETURN_IF_ERROR(value(SpanColumn::kFlags, row, &span->flags));
  RETURN_IF_ERROR(text(SpanColumn::kTraceStates, row, &span->trace_state));
  RETURN_IF_ERROR(value(SpanColumn::kDroppedAttributes, row, &span->dropped_attributes));
  RETURN_IF_ERROR(value(SpanColumn::kDroppedEvents, row, &span->dropped_events));
  RETURN_IF_ERROR(value(SpanColumn::kDroppedLinks, row, &span->dropped_links));
  RETURN_IF_ERROR(ReadAttributes(AttributeScope::kSpan, row, span, &span->own_attributes));
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* events, Begins(SpanColumn::kEventCounts));
  for (uint32_t i = (*events)[row]; i < (*events)[row + 1]; ++i) {
    SpanEvent event;
    uint64_t time = 0;
    RETURN_IF_ERROR(value(SpanColumn::kEventTimes, i, &time));
    event.time_ns = Undo(time, span->start_ns);
    RETURN_IF_ERROR(text(SpanColumn::kEventNames, i, &event.name));
    RETURN_IF_ERROR(value(SpanColumn::kEventDroppedAttributes, i, &event.dropped_attributes));
    RETURN_IF_ERROR(ReadAttributes(AttributeScope::kEvent, i, span, &event.attributes));
    span->events.push_back(event);
  }
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* links, Begins(SpanColumn::kLinkCounts));
  for (uint32_t i = (*links)[row]; i < (*links)[row + 1]; ++i) {
    SpanLink link;
    RETURN_IF_ERROR(text(SpanColumn::kLinkTraceIds, i, &link.trace_id));
    RETURN_IF_ERROR(text(SpanColumn::kLinkSpanIds, i, &link.span_id));
    RETURN_IF_ERROR(text(SpanColumn::kLinkTraceStates, i, &link.trace_state));
    RETURN_IF_ERROR(value(SpanColumn::kLinkDroppedAttributes, i, &link.dropped_attributes));
    RETURN_IF_ERROR(value(SpanColumn::kLinkFlags, i, &link.flags));
    RETURN_IF_ERROR(ReadAttributes(AttributeScope::kLink, i, span, &link.attributes));
    span->links.push_back(link);
  }
  return OkStatus();
}

}  // namespace varve::format
