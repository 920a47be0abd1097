#include "compaction/exemplar_part.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace varve::compaction {
namespace {

std::string BlockKey(index::Ordinal ordinal, uint32_t block) {
  std::string key;
  AppendBigEndian32(&key, ordinal);
  AppendBigEndian32(&key, block);
  return key;
}

}  // namespace

ExemplarPartWriter::ExemplarPartWriter(kv::Store* store, std::unique_ptr<kv::PartWriter> writer)
    : store_(store), writer_(std::move(writer)), index_(writer_.get()) {}

Result<std::unique_ptr<ExemplarPartWriter>> ExemplarPartWriter::Create(kv::Store* store) {
  ASSIGN_OR_RETURN(std::unique_ptr<kv::PartWriter> writer, store->NewPart());
  return std::unique_ptr<ExemplarPartWriter>(new ExemplarPartWriter(store, std::move(writer)));
}

Status ExemplarPartWriter::Add(std::string_view labels,
                               std::span<const format::ExemplarView> exemplars) {
  if (exemplars.empty()) return InvalidArgumentError("a series of a part needs an exemplar");
  const uint64_t ordinal = index_.series_count();
  if (ordinal >= std::numeric_limits<index::Ordinal>::max()) {
    return ResourceExhaustedError("a part holds at most " + std::to_string(ordinal) + " series");
  }
  RETURN_IF_ERROR(index_.Add(labels));
  min_time_ms_ = std::min(min_time_ms_, exemplars.front().timestamp_ms);
  max_time_ms_ = std::max(max_time_ms_, exemplars.back().timestamp_ms);
  exemplar_count_ += exemplars.size();
  for (uint32_t block = 0; !exemplars.empty(); ++block) {
    const size_t count = std::min(exemplars.size(), format::kExemplarsPerBlockMax);
    value_.clear();
    format::EncodeExemplarBlock(exemplars.first(count), &value_);
    RETURN_IF_ERROR(writer_->Add(kv::Family::kExemplars,
                                 BlockKey(static_cast<index::Ordinal>(ordinal), block), value_));
    exemplars = exemplars.subspan(count);
    ++block_count_;
  }
  return OkStatus();
}

Result<format::PartInfo> ExemplarPartWriter::Finish(format::PartInfo info) {
  if (exemplar_count_ == 0) return FailedPreconditionError("a part without series is not written");
  RETURN_IF_ERROR(index_.Finish());
  info.signal = format::Signal::kExemplars;
  info.min_time_ms = min_time_ms_;
  info.max_time_ms = max_time_ms_;
  info.series_count = index_.series_count();
  info.sample_count = exemplar_count_;
  info.chunk_count = block_count_;
  return store_->Ingest(std::move(writer_), std::move(info));
}

Result<std::unique_ptr<ExemplarPartReader>> ExemplarPartReader::Open(
    std::shared_ptr<const kv::Part> part) {
  ASSIGN_OR_RETURN(std::unique_ptr<index::PartIndexReader> index,
                   index::PartIndexReader::Open(part));
  return std::unique_ptr<ExemplarPartReader>(
      new ExemplarPartReader(std::move(part), std::move(index)));
}

Status ExemplarPartReader::VisitExemplars(
    std::span<const index::Ordinal> ordinals, int64_t min_ms, int64_t max_ms,
    const std::function<void(size_t i, const format::ExemplarView&)>& visit) const {
  const std::unique_ptr<kv::PartCursor> cursor = part_->NewCursor(kv::Family::kExemplars);
  std::vector<format::ExemplarView> exemplars;
  for (size_t i = 0; i < ordinals.size(); ++i) {
    std::string series_key;
    AppendBigEndian32(&series_key, ordinals[i]);
    if (!cursor->Valid() || !cursor->key().starts_with(series_key)) cursor->Seek(series_key);
    for (; cursor->Valid() && cursor->key().starts_with(series_key); cursor->Next()) {
      exemplars.clear();
      if (Status status = format::DecodeExemplarBlock(cursor->value(), &exemplars); !status.ok()) {
        return status.WithContext("part " + std::to_string(info().part_id) + ", ordinal " +
                                  std::to_string(ordinals[i]));
      }
      for (const format::ExemplarView& exemplar : exemplars) {
        if (exemplar.timestamp_ms < min_ms || exemplar.timestamp_ms > max_ms) continue;
        visit(i, exemplar);
      }
    }
    RETURN_IF_ERROR(cursor->status());
  }
  return OkStatus();
}

}  // namespace varve::compaction
