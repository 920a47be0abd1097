#include "tests/crash/script.h"

#include <algorithm>
#include <bit>
#include <random>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "storage/format/traces_message.h"
#include "tests/model/random_histogram.h"
#include "tests/model/workload.h"

namespace varve::crash {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kStepMs = 30'000;  // 240 batches cross a partition border
constexpr uint64_t kSeriesCount = 20;
constexpr std::string_view kMarker = "marker";
constexpr std::string_view kDoomed = "doomed";

int64_t TimeOf(uint64_t number) { return kStartMs + static_cast<int64_t>(number) * kStepMs; }

Labels SeriesLabels(size_t thread, const std::string& name) {
  return Labels{{"__name__", name}, {"thread", std::to_string(thread)}};
}

// The thread's series but the doomed one.
Selector ThreadSelector(size_t thread) {
  return {{MatchOp::kEqual, "thread", std::to_string(thread)},
          {MatchOp::kNotEqual, "__name__", std::string(kDoomed)}};
}

Exemplar ExemplarOf(uint64_t number) {
  return {Labels{{"batch", std::to_string(number)}}, static_cast<double>(number), TimeOf(number)};
}

std::string TraceIdOf(size_t thread) {
  std::string id(format::kTraceIdBytes, '\x1d');
  id[0] = static_cast<char>(thread);
  return id;
}

std::string SpanIdOf(uint64_t number) {
  std::string id;
  AppendBigEndian64(&id, number + 1);
  return id;
}

// The one span of a batch: a child of the one before it.
std::string SpanMessage(size_t thread, uint64_t number) {
  const std::string trace_id = TraceIdOf(thread);
  const std::string span_id = SpanIdOf(number);
  const std::string parent_id = number == 0 ? "" : SpanIdOf(number - 1);
  format::SpanFields span;
  span.trace_id = trace_id;
  span.span_id = span_id;
  span.parent_span_id = parent_id;
  span.name = "batch";
  span.start_ns = static_cast<uint64_t>(TimeOf(number)) * 1'000'000;
  span.end_ns = span.start_ns + number;
  span.attributes.push_back({"number", format::AttributeType::kInt, {}, number});
  span.own_attributes.end = 1;
  std::string message;
  format::AppendSpan(span, &message);
  format::TracesBuilder builder;
  builder.Add(format::EncodeOrigin("", "resource"), format::EncodeOrigin("", ""), message);
  return builder.Finish();
}

// Of the last batch that the marker knows of, plus one.
uint64_t BatchCount(const model::AllSamples& samples, size_t thread) {
  const auto marker = samples.find(SeriesLabels(thread, std::string(kMarker)));
  if (marker == samples.end()) return 0;
  return static_cast<uint64_t>((marker->second.rbegin()->first - kStartMs) / kStepMs) + 1;
}

}  // namespace

void BuildBatch(uint64_t seed, size_t thread, uint64_t number, WriteBatch* batch) {
  std::mt19937_64 random(MixBits(seed) ^ MixBits(thread + 1) ^ MixBits(number << 8));
  batch->Clear();
  batch->BeginSeries(SeriesLabels(thread, std::string(kMarker)));
  batch->AddSample(TimeOf(number), static_cast<double>(number));
  batch->AddExemplar(ExemplarOf(number));
  batch->BeginSeries(SeriesLabels(thread, std::string(kDoomed)));
  batch->AddSample(TimeOf(number), static_cast<double>(number));
  const uint64_t first = random() % kSeriesCount;
  const uint64_t count = 1 + random() % 6;
  for (uint64_t i = 0; i < count; ++i) {
    // Series appear over time, so that their definitions are spread over the journal.
    const uint64_t series = (first + i) % std::min<uint64_t>(kSeriesCount, number / 4 + 6);
    batch->BeginSeries(SeriesLabels(thread, "series_" + std::to_string(series)));
    if (series % 4 == 3) {
      model::HistogramSource source(random());
      batch->AddHistogram(TimeOf(number), source.Next(), TimeOf(0));
    } else {
      batch->AddSample(TimeOf(number), model::RandomValue(&random), series % 4 == 2 ? kStartMs : 0);
    }
    if (number > 0 && random() % 4 == 0) {
      batch->AddSample(TimeOf(random() % number), model::RandomValue(&random));
    }
  }
}

Result<AppendResult> AppendNumber(Database* database, uint64_t seed, size_t thread, uint64_t number,
                                  WriteBatch* batch) {
  ASSIGN_OR_RETURN(const SpanAppendResult spans,
                   database->AppendSpans(SpanMessage(thread, number)));
  if (spans.spans_rejected != 0) return InternalError("a span was refused: " + spans.example);
  BuildBatch(seed, thread, number, batch);
  return database->Append(batch);
}

Status DeleteDoomed(Database* database) {
  const Selector doomed = {{MatchOp::kEqual, "__name__", std::string(kDoomed)}};
  return database->Delete({&doomed, 1}, {}).status();
}

Options BusyOptions(Durability durability) {
  Options options;
  options.durability = durability;
  options.retention_ms = 0;
  options.exemplar_retention_ms = 0;
  options.trace_retention_ms = 0;
  options.future_limit_ms = 0;
  options.free_disk_bytes_min = 0;
  options.checkpoint_journal_bytes = 50'000;
  options.head_bytes_max = size_t{8} << 20;
  options.storage_cache_bytes = size_t{1} << 20;
  options.downsampling_rules = {{{}, {{60'000, 0, 0}, {3'600'000, 0, 0}}}};
  return options;
}

void ThreadTwin::AdvanceTo(uint64_t batch_count) {
  if (batch_count < batch_count_) {
    twin_ = {};
    batch_count_ = 0;
  }
  WriteBatch batch;
  std::string canonical;
  for (; batch_count_ < batch_count; ++batch_count_) {
    BuildBatch(seed_, thread_, batch_count_, &batch);
    for (const WriteBatch::Series& series : batch.series()) {
      const Labels labels = Labels::FromCanonicalBytes(
          std::string(batch.label_bytes().substr(series.label_offset, series.label_size)));
      if (labels.Get("__name__") == kDoomed) continue;
      for (uint32_t i = series.sample_begin; i < series.sample_begin + series.sample_count; ++i) {
        const Sample& sample = batch.samples()[i];
        const bool has_start = i < batch.start_times_ms().size();
        twin_.Append(labels, sample.timestamp_ms, sample.value,
                     has_start ? batch.start_times_ms()[i] : 0);
      }
      for (const HistogramSample& sample :
           batch.histograms().subspan(series.histogram_begin, series.histogram_count)) {
        twin_.Append(labels, sample);
      }
    }
  }
}

Result<uint64_t> ThreadTwin::Verify(Database* database, uint64_t at_least, uint64_t at_most) {
  ASSIGN_OR_RETURN(const model::AllSamples found,
                   model::ReadSelected(database, ThreadSelector(thread_), {}));
  const uint64_t batch_count = BatchCount(found, thread_);
  if (batch_count < at_least || batch_count > at_most) {
    return DataLossError("thread " + std::to_string(thread_) + ": " + std::to_string(batch_count) +
                         " batches are there, not between " + std::to_string(at_least) + " and " +
                         std::to_string(at_most));
  }
  AdvanceTo(batch_count);
  const std::string difference = model::Difference(twin_.samples(), found);
  if (!difference.empty()) {
    return DataLossError("thread " + std::to_string(thread_) + " after " +
                         std::to_string(batch_count) + " batches: " + difference);
  }
  RETURN_IF_ERROR(VerifyExemplars(database, batch_count));
  RETURN_IF_ERROR(VerifyDoomed(database, batch_count));
  RETURN_IF_ERROR(VerifySpans(database, batch_count));
  return batch_count;
}

Status ThreadTwin::VerifyExemplars(Database* database, uint64_t batch_count) const {
  const Selector selector = ThreadSelector(thread_);
  ASSIGN_OR_RETURN(const std::vector<SeriesExemplars> found,
                   database->Exemplars({&selector, 1}, {}));
  std::vector<Exemplar> expected;
  for (uint64_t number = 0; number < batch_count; ++number) expected.push_back(ExemplarOf(number));
  if (found.empty() ? expected.empty() : found.size() == 1 && found[0].exemplars == expected) {
    return OkStatus();
  }
  return DataLossError("thread " + std::to_string(thread_) + ": not one exemplar of each of " +
                       std::to_string(batch_count) + " batches, but of " +
                       std::to_string(found.empty() ? 0 : found[0].exemplars.size()));
}

Status ThreadTwin::VerifySpans(Database* database, uint64_t batch_count) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> trace, database->Trace(TraceIdOf(thread_)));
  uint64_t count = 0;
  std::string difference;
  WireError error;
  format::SpanFields span;
  format::VisitSpans(trace.value_or(""), &error, [&](const format::SpanPlace& place) {
    format::ReadSpan(WireReader(place.span, &error), &span);
    std::string message;
    format::AppendSpan(span, &message);
    if (SpanMessage(thread_, count).find(message) == std::string::npos && difference.empty()) {
      difference = "span " + std::to_string(count) + " is another one";
    }
    ++count;
  });
  if (error.failed()) difference = "the trace cannot be read";
  if (count < batch_count || count > batch_count + 1) {
    difference = std::to_string(count) + " spans";
  }
  if (difference.empty()) return OkStatus();
  return DataLossError("thread " + std::to_string(thread_) + " after " +
                       std::to_string(batch_count) + " batches: " + difference);
}

// A delete takes whole batches, all before a moment; so the last ones are left, without a gap.
Status ThreadTwin::VerifyDoomed(Database* database, uint64_t batch_count) const {
  const Selector doomed = {{MatchOp::kEqual, "thread", std::to_string(thread_)},
                           {MatchOp::kEqual, "__name__", std::string(kDoomed)}};
  ASSIGN_OR_RETURN(const model::AllSamples found, model::ReadSelected(database, doomed, {}));
  const size_t left = found.empty() ? 0 : found.begin()->second.size();
  const auto complaint = [&](const std::string& what) {
    return DataLossError("thread " + std::to_string(thread_) + ", doomed series after " +
                         std::to_string(batch_count) + " batches: " + what);
  };
  if (left > batch_count - std::min(deleted_before_, batch_count)) {
    return complaint(std::to_string(left) + " samples are left, though " +
                     std::to_string(deleted_before_) + " were deleted");
  }
  uint64_t number = batch_count - left;
  for (size_t i = 0; i < left; ++i, ++number) {
    if (!found.begin()->second.contains(TimeOf(number))) {
      return complaint("there is a gap at " + std::to_string(number));
    }
  }
  return OkStatus();
}

}  // namespace varve::crash
