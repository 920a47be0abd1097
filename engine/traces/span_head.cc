#include "engine/traces/span_head.h"

#include <algorithm>
#include <deque>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "engine/traces/span_block_cache.h"
#include "storage/format/traces_message.h"

namespace varve::engine {
namespace {

constexpr size_t kRowBytes = 80;  // what a row costs besides its body

std::atomic<uint64_t> next_block_id{SpanBlockCache::kMemoryIds};

// A span of a body that waits.
struct Row {
  std::string_view trace_id;
  uint64_t start_ns = 0;
  format::SpanRow row;

  // Big-endian, so that they sort as the bytes do.
  uint64_t trace_high = 0;
  uint64_t trace_low = 0;

  auto key() const { return std::tie(trace_high, trace_low, start_ns); }
  bool operator==(const Row& other) const {
    return row.span == other.row.span && row.resource == other.row.resource &&
           row.scope == other.row.scope;
  }
};

struct HashOfRow {
  size_t operator()(const Row* row) const { return Hash64(row->row.span); }
};
struct EqualRows {
  bool operator()(const Row* a, const Row* b) const { return *a == *b; }
};

// What was sent twice is stored once. REQUIRES: sorted by key.
void RemoveRepeated(std::vector<const Row*>* rows) {
  std::unordered_set<const Row*, HashOfRow, EqualRows> seen;  // of one key
  size_t kept = 0;
  for (size_t begin = 0; begin < rows->size();) {
    size_t end = begin + 1;
    while (end < rows->size() && (*rows)[end]->key() == (*rows)[begin]->key()) ++end;
    const bool is_single = end == begin + 1;
    if (!is_single) seen.clear();
    for (; begin < end; ++begin) {
      if (is_single || seen.insert((*rows)[begin]).second) (*rows)[kept++] = (*rows)[begin];
    }
  }
  rows->resize(kept);
}

// The trace id and the start time, which is all that sorting needs.
Row SortKey(std::string_view span, WireError* error) {
  Row row;
  for (WireReader message(span, error); !message.done();) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kBytes)) {
      row.trace_id = message.Bytes("the length of a trace id");
    } else if (tag == WireTag(7, WireType::kFixed64)) {
      row.start_ns = message.Fixed64("the 8 bytes of a start time");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  if (row.trace_id.size() == format::kTraceIdBytes) {
    row.trace_high = ByteReader(row.trace_id).BigEndian64();
    row.trace_low = ByteReader(row.trace_id.substr(8)).BigEndian64();
  }
  return row;
}

}  // namespace

struct SpanHead::Pending {
  std::shared_ptr<const std::string> body;
  std::deque<std::string> origins;
  std::vector<Row> rows;
  size_t memory_bytes = 0;
};

HeadSpanBlock::HeadSpanBlock(format::SpanBlockBytes bytes)
    : id_(next_block_id.fetch_add(1, std::memory_order_relaxed)), bytes_(std::move(bytes)) {}

Result<std::shared_ptr<const HeadSpanBlock>> HeadSpanBlock::Make(format::SpanBlockBytes bytes) {
  std::shared_ptr<HeadSpanBlock> block(new HeadSpanBlock(std::move(bytes)));
  for (const auto& [column, value] : block->bytes_) block->memory_bytes_ += value.size() + 64;
  ASSIGN_OR_RETURN(const format::SpanBlock opened, block->Open());
  block->header_ = opened.header();
  return std::shared_ptr<const HeadSpanBlock>(std::move(block));
}

std::string_view HeadSpanBlock::Column(format::SpanColumn column) const {
  const auto at =
      std::lower_bound(bytes_.begin(), bytes_.end(), static_cast<uint32_t>(column),
                       [](const auto& entry, uint32_t number) { return entry.first < number; });
  if (at == bytes_.end() || at->first != static_cast<uint32_t>(column)) return {};
  return at->second;
}

Result<format::SpanBlock> HeadSpanBlock::Open() const {
  return format::SpanBlock::Open([this](uint32_t column) -> Result<std::string> {
    return std::string(Column(static_cast<format::SpanColumn>(column)));
  });
}

bool HeadSpanBlock::HasTrace(std::string_view trace_id) const {
  const std::string_view ids = trace_ids();
  size_t low = 0;
  size_t high = ids.size() / format::kTraceIdBytes;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const std::string_view id = ids.substr(middle * format::kTraceIdBytes, format::kTraceIdBytes);
    if (id == trace_id) return true;
    if (id < trace_id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

SpanHead::SpanHead() = default;
SpanHead::~SpanHead() = default;

Status SpanHead::Add(std::shared_ptr<const std::string> body) {
  auto pending = std::make_shared<Pending>();
  pending->body = std::move(body);
  WireError error;
  const char* resource_at = nullptr;  // of the origins made last
  const char* scope_at = nullptr;
  std::string_view resource;
  std::string_view scope;
  const auto keep = [&](const format::Origin& origin) {
    pending->origins.push_back(format::EncodeOrigin(origin.message, origin.schema_url));
    return std::string_view(pending->origins.back());
  };
  format::VisitSpans(*pending->body, &error, [&](const format::SpanPlace& place) {
    if (place.resource.message.data() != resource_at || scope_at == nullptr) {
      resource = keep(place.resource);
      resource_at = place.resource.message.data();
      scope_at = nullptr;
    }
    if (place.scope.message.data() != scope_at) {
      scope = keep(place.scope);
      scope_at = place.scope.message.data();
    }
    Row row = SortKey(place.span, &error);
    row.row = {resource, scope, place.span};
    pending->rows.push_back(row);
  });
  if (error.failed()) {
    return DataLossError(WireErrorStatus(error, *pending->body).message());
  }
  if (pending->rows.empty()) return OkStatus();
  pending->memory_bytes = pending->body->size() + pending->rows.size() * kRowBytes;
  for (const std::string& origin : pending->origins) pending->memory_bytes += origin.size() + 32;
  bytes_.fetch_add(pending->memory_bytes, std::memory_order_relaxed);
  span_count_.fetch_add(pending->rows.size(), std::memory_order_relaxed);
  MutexLock lock(&mutex_);
  active_.pending_rows += pending->rows.size();
  active_.pending.push_back(std::move(pending));
  return OkStatus();
}

Result<HeadSpanBlocks> SpanHead::Encode(const Pendings& pending) {
  std::vector<const Row*> rows;
  for (const auto& body : pending) {
    for (const Row& row : body->rows) rows.push_back(&row);
  }
  // Spans that start together stay as they came: that compresses best.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row* a, const Row* b) { return a->key() < b->key(); });
  RemoveRepeated(&rows);
  HeadSpanBlocks blocks;
  std::vector<format::SpanRow> in_order;
  for (size_t begin = 0; begin < rows.size(); begin += format::kSpanBlockRowsMax) {
    const size_t end = std::min<size_t>(rows.size(), begin + format::kSpanBlockRowsMax);
    in_order.clear();
    for (size_t i = begin; i < end; ++i) in_order.push_back(rows[i]->row);
    ASSIGN_OR_RETURN(format::SpanBlockBytes bytes, format::EncodeSpanBlock(in_order));
    ASSIGN_OR_RETURN(std::shared_ptr<const HeadSpanBlock> block,
                     HeadSpanBlock::Make(std::move(bytes)));
    blocks.push_back(std::move(block));
  }
  return blocks;
}

Status SpanHead::Seal(Generation* generation, size_t rows_min) {
  while (true) {
    Pendings taken;
    size_t rows = 0;
    uint64_t epoch = 0;
    {
      MutexLock lock(&mutex_);
      if (generation->pending_rows < rows_min || generation->pending.empty()) return OkStatus();
      epoch = epoch_;
      for (const auto& body : generation->pending) {
        if (rows >= kBlockRows) break;
        taken.push_back(body);
        rows += body->rows.size();
      }
    }
    // Other threads see the bodies until blocks stand in their place.
    ASSIGN_OR_RETURN(const HeadSpanBlocks blocks, Encode(taken));
    MutexLock lock(&mutex_);
    if (epoch != epoch_) continue;  // they are elsewhere now
    generation->blocks.insert(generation->blocks.end(), blocks.begin(), blocks.end());
    generation->pending.erase(generation->pending.begin(),
                              generation->pending.begin() + static_cast<ptrdiff_t>(taken.size()));
    generation->pending_rows -= rows;
    tail_.clear();
    tail_last_ = nullptr;
    Recount();
  }
}

void SpanHead::Recount() {
  uint64_t bytes = 0;
  uint64_t spans = 0;
  for (const Generation* generation : {&active_, &frozen_}) {
    for (const auto& block : generation->blocks) {
      bytes += block->memory_bytes();
      spans += block->header().row_count;
    }
    for (const auto& body : generation->pending) bytes += body->memory_bytes;
    spans += generation->pending_rows;
  }
  bytes_.store(bytes, std::memory_order_relaxed);
  span_count_.store(spans, std::memory_order_relaxed);
}

Status SpanHead::SealDue() NO_THREAD_SAFETY_ANALYSIS {
  MutexLock sealing(&seal_mutex_);
  return Seal(&active_, kBlockRows);
}

Result<HeadSpanBlocks> SpanHead::Blocks() NO_THREAD_SAFETY_ANALYSIS {
  MutexLock sealing(&seal_mutex_);
  HeadSpanBlocks all;
  Pendings rest;
  while (true) {
    RETURN_IF_ERROR(Seal(&frozen_, 0));
    RETURN_IF_ERROR(Seal(&active_, kBlockRows));
    MutexLock lock(&mutex_);
    if (!frozen_.pending.empty()) continue;  // set aside since
    all = frozen_.blocks;
    all.insert(all.end(), active_.blocks.begin(), active_.blocks.end());
    rest = active_.pending;
    if (!rest.empty() && rest.back().get() == tail_last_) {
      all.insert(all.end(), tail_.begin(), tail_.end());
      return all;
    }
    break;
  }
  if (rest.empty()) return all;
  ASSIGN_OR_RETURN(HeadSpanBlocks tail, Encode(rest));
  all.insert(all.end(), tail.begin(), tail.end());
  MutexLock lock(&mutex_);
  const bool is_current = !active_.pending.empty() && active_.pending.back() == rest.back();
  if (is_current) {
    tail_ = std::move(tail);
    tail_last_ = rest.back().get();
  }
  return all;
}

void SpanHead::Freeze() {
  MutexLock lock(&mutex_);
  frozen_.blocks.insert(frozen_.blocks.end(), active_.blocks.begin(), active_.blocks.end());
  frozen_.pending.insert(frozen_.pending.end(), active_.pending.begin(), active_.pending.end());
  frozen_.pending_rows += active_.pending_rows;
  active_ = Generation();
  tail_.clear();
  tail_last_ = nullptr;
  ++epoch_;
}

Result<HeadSpanBlocks> SpanHead::FrozenBlocks() NO_THREAD_SAFETY_ANALYSIS {
  MutexLock sealing(&seal_mutex_);
  RETURN_IF_ERROR(Seal(&frozen_, 0));
  MutexLock lock(&mutex_);
  return frozen_.blocks;
}

void SpanHead::DropFrozen() {
  MutexLock lock(&mutex_);
  frozen_ = Generation();
  ++epoch_;
  Recount();
}

}  // namespace varve::engine
