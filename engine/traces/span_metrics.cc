#include "engine/traces/span_metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace varve::engine {
namespace {

constexpr int64_t kWriteIntervalMs = 15'000;
// A series that nothing was counted in for so long ends; it goes on from its value when it comes
// again.
constexpr int64_t kActiveMs = 15 * 60'000;
constexpr size_t kSeenSpans = size_t{1} << 20;
constexpr double kNsPerS = 1e9;
constexpr uint8_t kStateVersion = 1;
constexpr uint64_t kNsPerMs = 1'000'000;

constexpr std::string_view kCalls = "traces_spanmetrics_calls_total";
constexpr std::string_view kLatency = "traces_spanmetrics_latency";
constexpr std::string_view kRequests = "traces_service_graph_request_total";
constexpr std::string_view kFailed = "traces_service_graph_request_failed_total";
constexpr std::string_view kServerSeconds = "traces_service_graph_request_server_seconds";
constexpr std::string_view kClientSeconds = "traces_service_graph_request_client_seconds";

std::string_view KindName(int32_t kind) {
  static constexpr std::string_view kNames[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                                "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                                "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
  return kind >= 0 && kind < 6 ? kNames[kind] : kNames[0];
}

std::string_view StatusName(int32_t status) {
  if (status == kStatusError) return "STATUS_CODE_ERROR";
  return status == 1 ? "STATUS_CODE_OK" : "STATUS_CODE_UNSET";
}

std::string_view ConnectionName(ServiceCall::Connection connection) {
  static constexpr std::string_view kNames[] = {"", "messaging_system", "database", "virtual_node"};
  return kNames[static_cast<size_t>(connection)];
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

ServiceGraph::Limits GraphLimits() { return {}; }

}  // namespace

SpanMetrics::SpanMetrics(SpanMetricsContext context)
    : context_(std::move(context)), seen_(kSeenSpans), graph_(GraphLimits()) {}

Labels SpanMetrics::LabelsOf(const Entry& entry, std::string_view metric) const {
  std::vector<LabelView> views = {{"__name__", metric}};
  for (const auto& [name, value] : entry.labels) {
    if (!value.empty()) views.push_back({name, value});
  }
  std::sort(views.begin(), views.end(),
            [](const LabelView& a, const LabelView& b) { return a.name < b.name; });
  Result<Labels> labels = Labels::FromViews(views);
  return labels.ok() ? *std::move(labels) : Labels();
}

std::string SpanMetrics::EncodeState(uint64_t sequence) const {
  std::string state;
  AppendFixed(&state, kStateVersion);
  AppendVarint(&state, sequence);
  AppendVarint(&state, seen_.recent().size());
  for (const uint64_t identity : seen_.recent()) AppendFixed(&state, identity);
  graph_.Encode(&state);
  return state;
}

uint64_t SpanMetrics::DecodeState(std::string_view state) {
  if (state.empty()) return 0;
  ByteReader reader(state);
  const auto version = reader.Fixed<uint8_t>();
  const uint64_t sequence = reader.Varint();
  const uint64_t seen = reader.Varint();
  bool is_whole = reader.ok() && version == kStateVersion && seen <= reader.remaining() / 8;
  for (uint64_t i = 0; i < seen && is_whole; ++i) seen_.Insert(reader.Fixed<uint64_t>());
  is_whole = is_whole && graph_.Decode(&reader) && reader.done();
  if (is_whole) return sequence;
  if (context_.log) {
    context_.log(LogLevel::kError, "span metrics: the journal's state of calls cannot be read");
  }
  return 0;
}

void SpanMetrics::Recover(std::span<const JournaledSpans> journaled, std::string_view state) {
  Result<LastSample> loaded = context_.load(Labels{{"__name__", kSequenceMetric}});
  if (!loaded.ok() && context_.log) {
    context_.log(LogLevel::kError,
                 loaded.status()
                     .WithContext("span metrics: spans of the journal may be counted twice")
                     .ToString());
  }
  const LastSample last = loaded.ok() ? *std::move(loaded) : LastSample();
  const auto sequence = last.found ? static_cast<uint64_t>(last.value) : 0;
  written_ms_.store(last.timestamp_ms);
  format::SpanFields fields;
  std::vector<SpanObservation> observations;
  MutexLock lock(&mutex_);
  const uint64_t state_sequence = DecodeState(state);
  // What expired before the last write was counted then.
  const auto expire = [&]() REQUIRES(mutex_) {
    while (graph_.TakeExpired(last.timestamp_ms, &call_)) {
    }
  };
  bool has_expired = false;
  for (const JournaledSpans& message : journaled) {
    const int64_t arrival_ms = ReadArrival(*message.body);
    const Counting counting = message.sequence > sequence         ? Counting::kAll
                              : message.sequence > state_sequence ? Counting::kPairsOnly
                                                                  : Counting::kSeenOnly;
    if (counting == Counting::kAll && !std::exchange(has_expired, true)) expire();
    WireError error;
    SpanObserver observer;
    observations.clear();
    format::VisitSpans(*message.body, &error, [&](const format::SpanPlace& place) {
      format::ReadSpan(WireReader(place.span, &error), &fields);
      if (!error.failed()) observations.push_back(observer.Observe(place, fields));
    });
    for (const SpanObservation& span : observations) CountOne(span, arrival_ms, counting);
  }
  if (!has_expired) expire();
  counters_.late = 0;
  counters_.repeated = 0;
}

void SpanMetrics::Count(std::span<const SpanObservation> spans, int64_t arrival_ms) {
  MutexLock lock(&mutex_);
  constexpr size_t kAhead = 8;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i + kAhead < spans.size()) seen_.Prefetch(spans[i + kAhead].identity);
    CountOne(spans[i], arrival_ms, Counting::kAll);
  }
}

void SpanMetrics::CountOne(const SpanObservation& span, int64_t arrival_ms, Counting counting) {
  const int64_t oldest_ms = arrival_ms - context_.options->span_metrics_slack_ms;
  if (static_cast<int64_t>(span.start_ns / kNsPerMs) < oldest_ms) {
    ++counters_.late;
    return;
  }
  if (!seen_.Insert(span.identity)) {
    ++counters_.repeated;
    return;
  }
  if (counting == Counting::kSeenOnly) return;
  const bool is_call = graph_.Observe(span, arrival_ms, &call_);
  if (counting == Counting::kPairsOnly) return;
  ++counters_.counted;
  is_changed_ = true;
  if (is_call) CountCall(call_, arrival_ms);
  key_.assign(span.service);
  key_ += '\0';
  key_ += span.name;
  key_ += '\0';
  key_ += static_cast<char>('0' + std::clamp(span.kind, 0, 6));
  key_ += static_cast<char>('0' + std::clamp(span.status, 0, 3));
  const auto found = spans_.find(key_);
  Entry* entry = found != spans_.end()
                     ? found->second.get()
                     : Find(Family::kSpans, key_,
                            {{"service", std::string(span.service)},
                             {"span_name", std::string(span.name)},
                             {"span_kind", std::string(KindName(span.kind))},
                             {"status_code", std::string(StatusName(span.status))}});
  const double seconds = static_cast<double>(span.duration_ns) / kNsPerS;
  entry->count += 1;
  entry->durations.Add(seconds);
  entry->is_changed = true;
  entry->active_ms = arrival_ms;
  entry->exemplar_trace_id = span.trace_id;
  entry->exemplar_value = seconds;
  entry->exemplar_ms = arrival_ms;
}

void SpanMetrics::CountCall(const ServiceCall& call, int64_t now_ms) {
  std::string key = call.client;
  key += '\0';
  key += call.server;
  key += '\0';
  key += static_cast<char>('0' + static_cast<int>(call.connection));
  Entry* entry = Find(Family::kCalls, key,
                      {{"client", call.client},
                       {"server", call.server},
                       {"connection_type", std::string(ConnectionName(call.connection))}});
  entry->count += 1;
  entry->failed += call.failed ? 1 : 0;
  // Where the other end sends no spans, the caller's time is all that is known.
  const double server_seconds = call.has_server ? call.server_seconds : call.client_seconds;
  entry->durations.Add(server_seconds);
  entry->client_durations.Add(call.client_seconds);
  entry->is_changed = true;
  entry->active_ms = now_ms;
  entry->exemplar_trace_id = call.trace_id;
  entry->exemplar_value = server_seconds;
  entry->exemplar_ms = now_ms;
  is_changed_ = true;
}

SpanMetrics::Entry* SpanMetrics::Find(Family family, const std::string& key,
                                      std::vector<std::pair<std::string, std::string>> labels) {
  Entries& entries = family == Family::kSpans ? spans_ : calls_;
  if (const auto found = entries.find(key); found != entries.end()) return found->second.get();
  std::string known = key;
  if (spans_.size() + calls_.size() >= context_.options->span_metrics_series_max) {
    ++counters_.overflowed;
    if (!has_warned_ && context_.log) {
      context_.log(LogLevel::kWarning,
                   "span metrics: more than " +
                       std::to_string(context_.options->span_metrics_series_max) +
                       " combinations of labels; what is new counts as overflow=\"true\"");
    }
    has_warned_ = true;
    known = "\x01overflow";
    labels = {{"overflow", "true"}};
    if (const auto found = entries.find(known); found != entries.end()) {
      return found->second.get();
    }
  }
  auto made = std::make_unique<Entry>();
  made->labels = std::move(labels);
  Load(family, made.get());
  return entries.emplace(std::move(known), std::move(made)).first->second.get();
}

// Counting goes on from what the database holds.
void SpanMetrics::Load(Family family, Entry* entry) const {
  const auto load = [&](std::string_view metric) -> LastSample {
    Result<LastSample> last = context_.load(LabelsOf(*entry, metric));
    if (last.ok()) return *std::move(last);
    if (context_.log) {
      context_.log(LogLevel::kError,
                   last.status().WithContext("span metrics: " + std::string(metric)).ToString());
    }
    return {};
  };
  const bool is_span = family == Family::kSpans;
  const LastSample count = load(is_span ? kCalls : kRequests);
  entry->is_new = !count.found;
  if (!count.found) return;
  entry->count = count.value;
  if (const LastSample last = load(is_span ? kLatency : kServerSeconds); last.has_histogram) {
    entry->durations.Restore(last.histogram);
  }
  if (is_span) return;
  entry->failed = load(kFailed).value;
  if (const LastSample last = load(kClientSeconds); last.has_histogram) {
    entry->client_durations.Restore(last.histogram);
  }
}

void SpanMetrics::ExpireCalls(int64_t now_ms) {
  while (graph_.TakeExpired(now_ms, &call_)) {
    if (!call_.server.empty()) CountCall(call_, now_ms);
  }
}

Status SpanMetrics::WriteDue() {
  // By a clock that is never set: the other one may have been.
  const int64_t now_ns = Clock::System()->SteadyNs();
  if (now_ns - written_steady_ns_.load() < kWriteIntervalMs * 1'000'000) return OkStatus();
  return Write();
}

Status SpanMetrics::Write() {
  MutexLock writing(&write_mutex_);
  return WriteLocked(nullptr);
}

Status SpanMetrics::WriteWithState() {
  MutexLock writing(&write_mutex_);
  std::string state;
  RETURN_IF_ERROR(WriteLocked(&state));
  return state.empty() ? OkStatus() : context_.append_state(std::move(state));
}

Status SpanMetrics::WriteLocked(std::string* state) {
  // One sample per millisecond and series.
  const int64_t now_ms = std::max(context_.now_ms(), written_ms_.load() + 1);
  WriteBatch batch;
  {
    WriterLock all_counted(&counting_);
    const uint64_t sequence = context_.last_sequence();
    MutexLock lock(&mutex_);
    ExpireCalls(now_ms);
    BuildBatch(now_ms, sequence, &batch);
    if (state != nullptr && !seen_.recent().empty()) *state = EncodeState(sequence);
  }
  if (batch.series_count() > 0) {
    const Status appended = context_.append(&batch);
    if (!appended.ok()) {  // counted on, and written the next time
      MutexLock lock(&mutex_);
      is_changed_ = true;
      for (Entries* entries : {&spans_, &calls_}) {
        for (auto& [key, entry] : *entries) entry->is_changed = true;
      }
      return appended.WithContext("span metrics");
    }
  }
  written_ms_.store(now_ms);
  written_steady_ns_.store(Clock::System()->SteadyNs());
  return OkStatus();
}

void SpanMetrics::BuildBatch(int64_t now_ms, uint64_t sequence, WriteBatch* batch) {
  for (const Family family : {Family::kSpans, Family::kCalls}) {
    Entries& entries = family == Family::kSpans ? spans_ : calls_;
    for (auto at = entries.begin(); at != entries.end();) {
      Entry* entry = at->second.get();
      const bool has_ended = !entry->is_changed && now_ms - entry->active_ms > kActiveMs;
      if (has_ended) {
        at = entries.erase(at);
        continue;
      }
      AddEntry(family, entry, now_ms, batch);
      ++at;
    }
  }
  if (batch->series_count() == 0 && !is_changed_) return;
  is_changed_ = false;
  batch->BeginSeries(Labels{{"__name__", kSequenceMetric}});
  batch->AddSample(now_ms, static_cast<double>(sequence));
  if (has_metadata_) return;
  has_metadata_ = true;
  for (const auto& [metric, help] :
       {std::pair(kCalls, "Spans, by service, name, kind and status."),
        std::pair(kRequests, "Calls between services, to databases and to others."),
        std::pair(kFailed, "Of these calls, those that failed.")}) {
    batch->AddMetadata({std::string(metric), MetricType::kCounter, help, ""});
  }
  for (const auto& [metric, help] :
       {std::pair(kLatency, "Durations of spans."),
        std::pair(kServerSeconds, "Durations of calls at the server."),
        std::pair(kClientSeconds, "Durations of calls at the client.")}) {
    batch->AddMetadata({std::string(metric), MetricType::kHistogram, help, "seconds"});
  }
}

void SpanMetrics::AddEntry(Family family, Entry* entry, int64_t now_ms, WriteBatch* batch) {
  if (family == Family::kSpans) {
    AddCounter(*entry, kCalls, entry->count, now_ms, batch);
    AddHistogram(*entry, kLatency, entry->durations, now_ms, batch);
  } else {
    AddCounter(*entry, kRequests, entry->count, now_ms, batch);
    AddCounter(*entry, kFailed, entry->failed, now_ms, batch);
    AddHistogram(*entry, kClientSeconds, entry->client_durations, now_ms, batch);
    AddHistogram(*entry, kServerSeconds, entry->durations, now_ms, batch);
  }
  if (entry->is_changed && !entry->exemplar_trace_id.empty()) {
    Exemplar exemplar;
    exemplar.labels = Labels{{"trace_id", Hex(entry->exemplar_trace_id)}};
    exemplar.value = entry->exemplar_value;
    exemplar.timestamp_ms = entry->exemplar_ms;
    batch->AddExemplar(std::move(exemplar));  // of the histogram, which was begun last
  }
  entry->is_changed = false;
  entry->is_new = false;
}

// What begins has a zero before it, so that rates see its first count.
void SpanMetrics::AddCounter(const Entry& entry, std::string_view metric, double value,
                             int64_t now_ms, WriteBatch* batch) {
  batch->BeginSeries(LabelsOf(entry, metric));
  const int64_t start_ms = now_ms - kWriteIntervalMs;
  if (entry.is_new) batch->AddSample(start_ms, 0);
  batch->AddSample(now_ms, value);
}

void SpanMetrics::AddHistogram(const Entry& entry, std::string_view metric,
                               const DurationHistogram& durations, int64_t now_ms,
                               WriteBatch* batch) {
  batch->BeginSeries(LabelsOf(entry, metric));
  if (entry.is_new) {
    batch->AddHistogram(now_ms - kWriteIntervalMs, DurationHistogram().ToHistogram());
  }
  batch->AddHistogram(now_ms, durations.ToHistogram());
}

SpanMetricsCounters SpanMetrics::counters() const {
  MutexLock lock(&mutex_);
  SpanMetricsCounters counters = counters_;
  counters.series = spans_.size() + calls_.size();
  return counters;
}

}  // namespace varve::engine
