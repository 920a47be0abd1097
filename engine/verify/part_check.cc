#include "engine/verify/part_check.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/status_macros.h"
#include "compaction/exemplar_part.h"
#include "compaction/metrics_part.h"
#include "compaction/part_stream.h"
#include "compaction/span_part.h"
#include "index/part_index.h"
#include "storage/format/label_bytes.h"
#include "storage/format/rollup.h"

namespace varve::engine {
namespace {

// How many ordinals bear a label pair, and a sum over which they are that does not depend on their
// order: equal sums from two sides mean equal sets.
struct Bearers {
  uint64_t count = 0;
  uint64_t sum = 0;
  void Add(index::Ordinal ordinal) {
    ++count;
    sum += MixBits(ordinal + uint64_t{1});
  }
  friend bool operator==(const Bearers&, const Bearers&) = default;
};
using BearersByPair = std::map<std::pair<std::string, std::string>, Bearers>;

// What a part turned out to hold.
struct Totals {
  uint64_t series = 0;
  uint64_t chunks = 0;
  uint64_t samples = 0;
  int64_t min_time_ms = std::numeric_limits<int64_t>::max();
  int64_t max_time_ms = std::numeric_limits<int64_t>::min();
};

class PartCheck {
 public:
  PartCheck(const kv::Store& store, std::shared_ptr<const kv::Part> part, VerifyReport* report)
      : store_(store), part_(std::move(part)), report_(report) {}

  void Run() {
    ++report_->part_count;
    for (const std::string& fault : store_.CheckFiles(*part_)) Fault(fault);
    CountBytes();
    switch (part_->info().signal) {
      case format::Signal::kMetrics:
        Note(CheckMetrics());
        break;
      case format::Signal::kExemplars:
        Note(CheckExemplars());
        break;
      case format::Signal::kTraces:
        report_->span_count += part_->info().sample_count;
        Note(compaction::SpanPartReader(part_).Check());
        break;
      case format::Signal::kLogs:
        Fault("a signal that this version does not know");
        break;
    }
  }

 private:
  void CountBytes() {
    report_->part_bytes += part_->info().bytes();
    for (const format::PartFile& file : part_->info().files) {
      const std::string name = FamilyName(static_cast<kv::Family>(file.family));
      auto entry = std::find_if(report_->family_bytes.begin(), report_->family_bytes.end(),
                                [&name](const NamedCount& count) { return count.name == name; });
      if (entry == report_->family_bytes.end()) {
        entry = report_->family_bytes.insert(entry, NamedCount{name, 0});
      }
      entry->value += file.bytes;
    }
  }

  void Fault(std::string what) {
    report_->faults.push_back({"part " + std::to_string(part_->info().part_id), std::move(what)});
  }
  void Note(const Status& status) {
    if (!status.ok()) Fault(status.message());
  }

  // Every label set is canonical and above the one before it.
  Status CheckLabels(std::string_view labels) {
    RETURN_IF_ERROR(format::CheckCanonical(labels));
    const auto ordinal = static_cast<index::Ordinal>(totals_.series);
    for (format::LabelCursor cursor(labels); cursor.Next();) {
      bearers_[{std::string(cursor.name()), std::string(cursor.value())}].Add(ordinal);
    }
    ++totals_.series;
    return OkStatus();
  }

  Status CheckMetrics() {
    ASSIGN_OR_RETURN(const auto stream, compaction::PartStream::Open(part_));
    format::SampleColumns samples;
    format::SeriesRollups rollups;
    const bool of_rollups = part_->info().tier == format::Tier::kRollup;
    while (!stream->done()) {
      RETURN_IF_ERROR(CheckLabels(stream->labels()));
      for (const format::ChunkView& chunk : stream->chunks()) {
        ++totals_.chunks;
        totals_.samples += chunk.sample_count;
        totals_.min_time_ms = std::min(totals_.min_time_ms, chunk.min_time_ms);
        totals_.max_time_ms = std::max(totals_.max_time_ms, chunk.max_time_ms);
        samples.Clear();
        rollups.Clear();
        const Status status = of_rollups ? format::DecodeRollupChunk(chunk, &rollups)
                                         : format::DecodeChunk(chunk, &samples);
        if (!status.ok()) {
          Fault("series " + std::to_string(totals_.series - 1) + ", chunk from " +
                std::to_string(chunk.min_time_ms) + ": " + status.message());
        }
      }
      RETURN_IF_ERROR(stream->Advance());
    }
    report_->sample_count += totals_.samples;
    ASSIGN_OR_RETURN(const auto index, index::PartIndexReader::Open(part_));
    return CheckRest(*index);
  }

  Status CheckExemplars() {
    ASSIGN_OR_RETURN(const auto reader, compaction::ExemplarPartReader::Open(part_));
    std::vector<index::Ordinal> ordinals;
    for (uint64_t i = 0; i < reader->index().series_count(); ++i) {
      ordinals.push_back(static_cast<index::Ordinal>(i));
    }
    Status labels_status;
    RETURN_IF_ERROR(reader->index().VisitLabels(ordinals, [&](size_t, std::string_view labels) {
      if (labels_status.ok()) labels_status = CheckLabels(labels);
    }));
    RETURN_IF_ERROR(labels_status);
    RETURN_IF_ERROR(reader->VisitExemplars(
        ordinals, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
        [&](size_t, const format::ExemplarView& exemplar) {
          ++totals_.samples;
          totals_.min_time_ms = std::min(totals_.min_time_ms, exemplar.timestamp_ms);
          totals_.max_time_ms = std::max(totals_.max_time_ms, exemplar.timestamp_ms);
        }));
    totals_.chunks = part_->info().chunk_count;  // blocks are not told apart here
    report_->exemplar_count += totals_.samples;
    return CheckRest(reader->index());
  }

  Status CheckRest(const index::PartIndexReader& index) {
    report_->series_count += totals_.series;
    report_->chunk_count += totals_.chunks;
    Compare("series", totals_.series, part_->info().series_count);
    Compare("chunks", totals_.chunks, part_->info().chunk_count);
    Compare("samples", totals_.samples, part_->info().sample_count);
    if (totals_.min_time_ms != part_->info().min_time_ms ||
        totals_.max_time_ms != part_->info().max_time_ms) {
      Fault("its samples run from " + std::to_string(totals_.min_time_ms) + " to " +
            std::to_string(totals_.max_time_ms) + ", its catalog entry says " +
            std::to_string(part_->info().min_time_ms) + " to " +
            std::to_string(part_->info().max_time_ms));
    }
    return CheckPostings(index);
  }

  void Compare(const char* what, uint64_t counted, uint64_t entry) {
    if (counted == entry) return;
    Fault("it holds " + std::to_string(counted) + " " + what + ", its catalog entry says " +
          std::to_string(entry));
  }

  // Postings name the series that bear a pair, all of them and no other.
  Status CheckPostings(const index::PartIndexReader& index) {
    size_t pairs = 0;
    ASSIGN_OR_RETURN(const std::vector<std::string> names, index.LabelNames());
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(const std::vector<std::string> values, index.LabelValues(name));
      for (const std::string& value : values) {
        ++pairs;
        CheckPair(index, name, value);
      }
    }
    if (pairs != bearers_.size()) {
      Fault("its postings have " + std::to_string(pairs) + " label pairs, its series " +
            std::to_string(bearers_.size()));
    }
    return OkStatus();
  }

  void CheckPair(const index::PartIndexReader& index, const std::string& name,
                 const std::string& value) {
    auto matcher = index::LabelMatcher::Compile(index::MatchOp::kEqual, name, value);
    if (!matcher.ok()) return Fault(matcher.status().message());
    const auto ordinals = index.Match({&*matcher, 1});
    if (!ordinals.ok()) return Fault(ordinals.status().message());
    Bearers found;
    for (const index::Ordinal ordinal : *ordinals) found.Add(ordinal);
    const auto expected = bearers_.find({name, value});
    if (expected == bearers_.end() || expected->second != found) {
      Fault("the postings of " + name + "=\"" + value + "\" are not those of its series");
    }
  }

  const kv::Store& store_;
  const std::shared_ptr<const kv::Part> part_;
  VerifyReport* const report_;
  Totals totals_;
  BearersByPair bearers_;
};

}  // namespace

std::string FamilyName(kv::Family family) {
  switch (family) {
    case kv::Family::kSeries:
      return "series";
    case kv::Family::kPostings:
      return "postings";
    case kv::Family::kChunks:
      return "chunks";
    case kv::Family::kExemplars:
      return "exemplars";
    case kv::Family::kTimeColumns:
      return "time_columns";
    case kv::Family::kSpans:
      return "spans";
    case kv::Family::kTraceIds:
      return "trace_ids";
  }
  return "unknown";
}

void CheckPart(const kv::Store& store, const std::shared_ptr<const kv::Part>& part,
               VerifyReport* report) {
  PartCheck(store, part, report).Run();
}

}  // namespace varve::engine
