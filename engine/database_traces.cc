// Database: spans in, traces out.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "engine/database_impl.h"
#include "engine/traces/span_observation.h"
#include "storage/format/traces_message.h"

namespace varve::engine {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

// Spans in memory, as a part of what Options::head_bytes_max allows to samples.
constexpr size_t kPressureDivisor = 2;

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, 32)) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

bool IsZero(std::string_view id) { return id.find_first_not_of('\0') == std::string_view::npos; }

struct StartLimits {
  uint64_t min_ns = 0;
  uint64_t max_ns = UINT64_MAX;
};

// Why a span cannot be taken; empty: it can.
std::string Refusal(const format::SpanFields& span, const StartLimits& limits) {
  if (span.trace_id.size() != format::kTraceIdBytes || IsZero(span.trace_id)) {
    return "trace id \"" + Hex(span.trace_id) + "\" is not 16 bytes, or of zeros";
  }
  if (span.span_id.size() != format::kSpanIdBytes || IsZero(span.span_id)) {
    return "span id \"" + Hex(span.span_id) + "\" is not 8 bytes, or of zeros";
  }
  if (!span.parent_span_id.empty() && span.parent_span_id.size() != format::kSpanIdBytes) {
    return "parent span id \"" + Hex(span.parent_span_id) + "\" is not 8 bytes";
  }
  if (span.start_ns < limits.min_ns) {
    return "start time " + std::to_string(span.start_ns) +
           " is out of retention, which begins at " + std::to_string(limits.min_ns);
  }
  if (span.start_ns > limits.max_ns) {
    return "start time " + std::to_string(span.start_ns) +
           " is too far in the future; the limit is " + std::to_string(limits.max_ns);
  }
  return {};
}

// What is taken of a message.
struct Sifted {
  SpanAppendResult result;
  std::vector<SpanObservation> observations;  // views into the message
  format::TracesBuilder accepted;             // filled only where some are refused
  std::string original;                       // what observations point into, then
};

// Reads every span; with `rebuild` puts together those that are taken.
Status Sift(std::string_view body, const StartLimits& limits, Sifted* sifted, bool rebuild) {
  WireError error;
  format::SpanFields span;
  SpanObserver observer;
  format::VisitSpans(body, &error, [&](const format::SpanPlace& place) {
    format::ReadSpan(WireReader(place.span, &error), &span);
    if (error.failed()) return;
    std::string why = Refusal(span, limits);
    if (why.empty()) {
      ++sifted->result.spans_appended;
      sifted->observations.push_back(observer.Observe(place, span));
      if (!rebuild) return;
      sifted->accepted.Add(format::EncodeOrigin(place.resource.message, place.resource.schema_url),
                           format::EncodeOrigin(place.scope.message, place.scope.schema_url),
                           place.span);
      return;
    }
    if (sifted->result.spans_rejected++ == 0) {
      sifted->result.example = "span \"" + std::string(span.name.substr(0, 100)) + "\": " + why;
    }
  });
  return error.failed() ? WireErrorStatus(error, body) : OkStatus();
}

}  // namespace

Result<SpanAppendResult> DatabaseImpl::AppendSpans(std::string traces_data)
    NO_THREAD_SAFETY_ANALYSIS {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  if (spans_.bytes() > options_.head_bytes_max / kPressureDivisor) {
    refused_pressure_.fetch_add(1, std::memory_order_relaxed);
    return ResourceExhaustedError("span memory: " + std::to_string(spans_.bytes()) +
                                  " bytes of spans wait to be flushed");
  }
  RETURN_IF_ERROR(CheckDisk());
  const int64_t now_ms = NowMs();
  StartLimits limits;
  if (options_.trace_retention_ms != 0 && now_ms > options_.trace_retention_ms) {
    limits.min_ns = static_cast<uint64_t>(now_ms - options_.trace_retention_ms) * kNsPerMs;
  }
  // Beyond it a time in milliseconds would not be a sample's time either.
  limits.max_ns = INT64_MAX;
  if (options_.future_limit_ms != 0) {
    limits.max_ns = static_cast<uint64_t>(now_ms + options_.future_limit_ms) * kNsPerMs;
  }
  // What is observed points into the message, so it must not move any more.
  traces_data.reserve(traces_data.size() + kArrivalBytesMax);
  Sifted sifted;
  RETURN_IF_ERROR(Sift(traces_data, limits, &sifted, /*rebuild=*/false));
  if (sifted.result.spans_rejected > 0 && sifted.result.spans_appended > 0) {
    sifted = Sifted();
    RETURN_IF_ERROR(Sift(traces_data, limits, &sifted, /*rebuild=*/true));
    sifted.original = std::exchange(traces_data, sifted.accepted.Finish());
  }
  spans_rejected_.fetch_add(sifted.result.spans_rejected, std::memory_order_relaxed);
  if (sifted.result.spans_appended == 0) return sifted.result;
  AppendArrival(now_ms, &traces_data);
  std::unique_ptr<PreparedBatch> batch = TakeScratch();
  batch->Reset(nullptr);
  const auto body = std::make_shared<const std::string>(std::move(traces_data));
  batch->span_body = body;
  {
    std::optional<ReaderLock> counting;
    if (span_metrics_ != nullptr) counting.emplace(span_metrics_->counting());
    const Status committed = commits_->Commit(batch.get());
    ReturnScratch(std::move(batch));
    RETURN_IF_ERROR(committed);
    if (span_metrics_ != nullptr) span_metrics_->Count(sifted.observations, now_ms);
  }
  spans_appended_.fetch_add(sifted.result.spans_appended, std::memory_order_relaxed);
  return sifted.result;
}

void DatabaseImpl::RecoverSpanMetrics(std::span<const JournaledSpans> journaled,
                                      std::string_view state) {
  SpanMetricsContext context;
  context.options = &options_;
  context.load = [this](const Labels& labels) { return LoadLast(labels); };
  context.append = [this](WriteBatch* batch) -> Status {
    if (!batch->metadata().empty()) RETURN_IF_ERROR(metadata_->Update(batch->metadata()));
    std::unique_ptr<PreparedBatch> scratch = TakeScratch();
    scratch->Reset(batch);
    const Result<AppendResult> result = AppendPrepared(scratch.get());
    ReturnScratch(std::move(scratch));
    return result.status();
  };
  context.append_state = [this](std::string body) {
    std::unique_ptr<PreparedBatch> scratch = TakeScratch();
    scratch->Reset(nullptr);
    scratch->span_state_body = std::move(body);
    const Status committed = commits_->Commit(scratch.get());
    ReturnScratch(std::move(scratch));
    return committed;
  };
  context.last_sequence = [this] { return commits_->last_sequence(); };
  context.now_ms = [this] { return NowMs(); };
  context.log = options_.log;
  auto metrics = std::make_unique<SpanMetrics>(std::move(context));
  metrics->Recover(journaled, state);
  span_metrics_ = std::move(metrics);
}

Result<LastSample> DatabaseImpl::LoadLast(const Labels& labels) {
  SelectRequest request;
  for (const LabelView label : labels) {
    request.matchers.push_back(
        {MatchOp::kEqual, std::string(label.name), std::string(label.value)});
  }
  // Most series were written a moment ago, and old ones are long.
  constexpr int64_t kMinuteMs = 60'000;
  const int64_t now_ms = NowMs();
  request.max_ms = INT64_MAX;
  LastSample last;
  SampleBuffer samples;
  for (const int64_t back_ms : {10 * kMinuteMs, 24 * 60 * kMinuteMs, 400 * 24 * 60 * kMinuteMs}) {
    request.min_ms = now_ms - back_ms;
    MetricsReader reader(&head_, store_.get(), &readers_, &tombstones_);
    ASSIGN_OR_RETURN(const auto selections, reader.Select({&request, 1}, nullptr));
    const SeriesSelection& selection = *selections.front();
    for (size_t i = 0; i < selection.series_count(); ++i) {
      if (selection.labels(i) != labels) continue;  // it has these labels and more
      RETURN_IF_ERROR(selection.Read(i, request.min_ms, request.max_ms, &samples));
      if (!samples.timestamps_ms.empty()) {
        last = {true, samples.values.back(), {}, false, samples.timestamps_ms.back()};
      } else if (!samples.histograms.empty()) {
        last = {true, 0, *samples.histograms.back(), true, samples.histogram_timestamps_ms.back()};
      }
      if (last.found) return last;
    }
  }
  return last;
}

Result<std::unique_ptr<SpanReader>> DatabaseImpl::NewSpanReader() {
  ASSIGN_OR_RETURN(std::unique_ptr<TraceReader> reader,
                   TraceReader::Open(&spans_, *store_, &span_cache_));
  return std::unique_ptr<SpanReader>(std::move(reader));
}

Result<std::unique_ptr<SpanReader>> NewSpanReader(Database* database) {
  auto* impl = dynamic_cast<DatabaseImpl*>(database);
  VARVE_CHECK(impl != nullptr);
  return impl->NewSpanReader();
}

Result<std::optional<std::string>> DatabaseImpl::Trace(std::string_view trace_id) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  if (trace_id.size() != format::kTraceIdBytes) {
    return InvalidArgumentError("a trace id has 16 bytes, not " + std::to_string(trace_id.size()));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<SpanReader> reader, NewSpanReader());
  return reader->Trace(trace_id);
}

}  // namespace varve::engine
