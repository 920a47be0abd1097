#include "server/api/self_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "server/api/metrics_text.h"
#include "server/api/number_text.h"

namespace varve::server {
namespace {

double Number(uint64_t v) { return static_cast<double>(v); }

void AppendHead(const DatabaseStatistics& s, MetricsText* text) {
  text->Gauge("varve_head_series", "Series in memory.", Number(s.head_series_count));
  text->Gauge("varve_head_chunks", "Chunks in memory.", Number(s.head_chunk_count));
  text->Gauge("varve_head_sample_bytes", "Memory of the head's chunks.",
              Number(s.head_sample_bytes));
  text->Gauge("varve_head_index_bytes", "Memory of the head's series, labels and postings.",
              Number(s.head_index_bytes));
  text->Gauge("varve_head_min_time_seconds", "Oldest sample in memory.",
              static_cast<double>(s.head_min_time_ms) / 1000);
  text->Gauge("varve_head_max_time_seconds", "Newest sample in memory.",
              static_cast<double>(s.head_max_time_ms) / 1000);
}

void AppendIngested(const DatabaseStatistics& s, MetricsText* text) {
  text->Counter("varve_samples_appended_total", "Samples accepted.", Number(s.samples_appended));
  text->Family("varve_samples_rejected_total", "counter", "Samples refused, by reason.");
  for (size_t i = 1; i < kRejectReasonCount; ++i) {
    text->Sample("", {{"reason", RejectReasonName(static_cast<RejectReason>(i))}},
                 Number(s.samples_rejected[i]));
  }
  text->Counter("varve_samples_duplicate_total",
                "Samples dropped because the same time and value was there.",
                Number(s.samples_duplicate));
  text->Counter("varve_samples_overwritten_total",
                "Samples in memory replaced by a later one of the same time.",
                Number(s.samples_overwritten));
  text->Counter("varve_samples_out_of_order_total", "Samples older than their series' newest.",
                Number(s.samples_out_of_order));
  text->Counter("varve_series_created_total", "Series that entered memory.",
                Number(s.series_created));
  text->Counter("varve_appends_refused_total", "Requests refused for want of memory or disk.",
                Number(s.appends_refused_pressure));
}

void AppendStorage(const DatabaseStatistics& s, MetricsText* text) {
  text->Counter("varve_journal_written_bytes_total", "Bytes written to the journal.",
                Number(s.journal_bytes_written));
  text->Counter("varve_journal_syncs_total", "Times the journal was synced to disk.",
                Number(s.journal_sync_count));
  text->Gauge("varve_journal_bytes", "Size of the journal on disk.", Number(s.journal_bytes));
  text->Counter("varve_checkpoints_total", "Checkpoints written.", Number(s.checkpoint_count));
  text->Counter("varve_flushes_total", "Flushes of the head to parts.", Number(s.flush_count));
  text->Counter("varve_merges_total", "Merges of parts.", Number(s.merge_count));
  text->Counter("varve_flush_written_bytes_total", "Bytes of parts written by flushes.",
                Number(s.flush_bytes_written));
  text->Counter("varve_merge_written_bytes_total", "Bytes of parts written by merges.",
                Number(s.merge_bytes_written));
  text->Counter("varve_merge_replaced_bytes_total", "Bytes of parts that merges took the place of.",
                Number(s.merge_bytes_replaced));
  text->Counter("varve_spans_appended_total", "Spans accepted.", Number(s.spans_appended));
  text->Counter("varve_spans_rejected_total", "Spans refused.", Number(s.spans_rejected));
  text->Counter("varve_span_metrics_spans_total", "Spans counted in span metrics.",
                Number(s.span_metrics_counted));
  text->Counter("varve_span_metrics_late_spans_total",
                "Spans stored but not counted: they arrived too late.",
                Number(s.span_metrics_late));
  text->Counter("varve_span_metrics_repeated_spans_total",
                "Spans that were sent again, and not counted again.",
                Number(s.span_metrics_repeated));
  text->Counter("varve_span_metrics_overflowed_total",
                "Spans and calls counted in the overflow series.",
                Number(s.span_metrics_overflowed));
  text->Gauge("varve_span_metrics_series", "Combinations of labels of span metrics in memory.",
              Number(s.span_metrics_series));
  text->Gauge("varve_head_spans", "Spans in memory.", Number(s.head_span_count));
  text->Gauge("varve_head_span_bytes", "Memory of these spans.", Number(s.head_span_bytes));
  text->Gauge("varve_part_spans", "Spans in parts.", Number(s.part_span_count));
  text->Gauge("varve_part_span_bytes", "Bytes of parts of spans.", Number(s.part_span_bytes));
  text->Gauge("varve_parts", "Live parts on disk.", Number(s.part_count));
  text->Counter("varve_downsamplings_total", "Parts of rollups made.", Number(s.downsample_count));
  text->Gauge("varve_rollup_rows", "Rows of rollups in parts.", Number(s.rollup_row_count));
  text->Gauge("varve_rollup_bytes", "Bytes of parts of rollups.", Number(s.rollup_bytes));
  text->Gauge("varve_part_samples", "Samples in parts.", Number(s.part_sample_count));
  text->Gauge("varve_part_bytes", "Size of the parts on disk.", Number(s.part_bytes));
  text->Gauge("varve_recovery_damaged_records", "Damaged journal records met by the last open.",
              Number(s.recovery_damaged_records));
  text->Gauge("varve_recovery_seconds", "Time the last open took.", Number(s.recovery_ms) / 1000);
}

void AppendRemoteWrite(const IngestMetrics& metrics, MetricsText* text) {
  text->Family("varve_remote_write_requests_total", "counter",
               "Remote write requests, by protocol version.");
  text->Sample("", {{"version", "1.0"}}, Number(metrics.requests_v1.load()));
  text->Sample("", {{"version", "2.0"}}, Number(metrics.requests_v2.load()));
  text->Counter("varve_remote_write_undecodable_total", "Requests whose body could not be read.",
                Number(metrics.requests_undecodable.load()));
  text->Counter("varve_remote_write_received_bytes_total", "Bytes of bodies, as received.",
                Number(metrics.bytes_received.load()));
  text->Counter("varve_remote_write_decompressed_bytes_total", "Bytes of bodies, decompressed.",
                Number(metrics.bytes_decompressed.load()));
  text->Counter("varve_remote_write_histograms_written_total", "Native histograms stored.",
                Number(metrics.histograms_written.load()));
  text->Counter("varve_remote_write_histograms_refused_total", "Native histograms refused.",
                Number(metrics.histograms_refused.load()));
  text->Counter("varve_remote_write_exemplars_written_total", "Exemplars stored.",
                Number(metrics.exemplars_written.load()));
  text->Counter("varve_remote_write_exemplars_refused_total", "Exemplars refused.",
                Number(metrics.exemplars_refused.load()));
}

void AppendOtlp(const OtlpMetrics& metrics, MetricsText* text) {
  text->Counter("varve_otlp_metric_requests_total", "OTLP requests that carried metrics.",
                Number(metrics.metric_requests.load()));
  text->Counter("varve_otlp_trace_requests_total", "OTLP requests that carried traces.",
                Number(metrics.trace_requests.load()));
  text->Counter("varve_otlp_undecodable_total", "OTLP requests whose body could not be read.",
                Number(metrics.requests_undecodable.load()));
  text->Counter("varve_otlp_points_received_total", "Data points of OTLP metrics.",
                Number(metrics.points_received.load()));
  text->Counter("varve_otlp_points_refused_total", "Those of them that were refused.",
                Number(metrics.points_refused.load()));
}

void AppendRequestCounts(const EndpointMetrics& metrics, std::string_view path, MetricsText* text) {
  for (size_t i = 0; i < EndpointMetrics::kStatuses.size(); ++i) {
    if (metrics.count(i) == 0) continue;
    const std::string code = std::to_string(static_cast<int>(EndpointMetrics::kStatuses[i]));
    text->Sample("", {{"path", path}, {"code", code}}, Number(metrics.count(i)));
  }
}

void AppendDurations(const EndpointMetrics& metrics, std::string_view path, MetricsText* text) {
  constexpr size_t kBoundCount = EndpointMetrics::kBuckets.size();
  uint64_t total = 0;
  for (size_t i = 0; i <= kBoundCount; ++i) total += metrics.bucket(i);
  if (total == 0) return;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < kBoundCount; ++i) {
    cumulative += metrics.bucket(i);
    std::string bound;
    AppendFixed(EndpointMetrics::kBuckets[i], &bound);
    text->Sample("_bucket", {{"path", path}, {"le", bound}}, Number(cumulative));
  }
  text->Sample("_bucket", {{"path", path}, {"le", "+Inf"}}, Number(total));
  text->Sample("_sum", {{"path", path}}, metrics.elapsed_seconds());
  text->Sample("_count", {{"path", path}}, Number(total));
}

void AppendHttp(const ApiContext& context, MetricsText* text) {
  const Dispatcher& dispatcher = *context.dispatcher;
  const auto& endpoints = dispatcher.router().endpoints();
  text->Family("varve_http_requests_total", "counter", "Requests answered, by path and status.");
  for (size_t i = 0; i < endpoints.size(); ++i) {
    AppendRequestCounts(dispatcher.endpoint_metrics(i), endpoints[i].path, text);
  }
  AppendRequestCounts(dispatcher.unrouted_metrics(), "other", text);
  text->Family("varve_http_request_duration_seconds", "histogram",
               "From the whole request to its answer, waiting for a worker included.");
  for (size_t i = 0; i < endpoints.size(); ++i) {
    AppendDurations(dispatcher.endpoint_metrics(i), endpoints[i].path, text);
  }
  const ConnectionMetrics& connections = *context.connections;
  text->Gauge("varve_http_connections", "Open connections.", Number(connections.open.load()));
  text->Counter("varve_http_connections_accepted_total", "Connections accepted.",
                Number(connections.accepted.load()));
  text->Counter("varve_http_connections_refused_total", "Connections over the limit.",
                Number(connections.refused.load()));
  text->Counter("varve_http_timeouts_total",
                "Requests that arrived, or responses that left, too slowly.",
                Number(connections.timed_out.load()));
  text->Counter("varve_http_malformed_requests_total",
                "Requests answered before a handler saw them.",
                Number(connections.malformed.load()));
}

// Zero where the kernel does not say.
uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size_pages = 0;
  uint64_t resident_pages = 0;
  if (!(statm >> size_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t OpenDescriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<uint64_t>(std::distance(begin(descriptors), end(descriptors)));
}

void AppendProcess(const ApiContext& context, MetricsText* text) {
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  text->Counter("process_cpu_seconds_total", "User and system CPU time.",
                static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9);
  text->Gauge("process_resident_memory_bytes", "Resident memory.", Number(ResidentBytes()));
  text->Gauge("process_start_time_seconds", "When the process started, since the Unix epoch.",
              static_cast<double>(context.start_time_ms) / 1000);
  text->Gauge("process_open_fds", "Open file descriptors.", Number(OpenDescriptors()));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    text->Gauge("process_max_fds", "Limit of open file descriptors.", Number(limit.rlim_cur));
  }
  text->Family("varve_build_info", "gauge", "Always 1; the label says what runs.");
  text->Sample("", {{"version", VARVE_VERSION}}, 1);
}

}  // namespace

Response HandleSelfMetrics(const ApiContext& context, const Request&) {
  const DatabaseStatistics statistics = context.database->Statistics();
  MetricsText text;
  AppendHead(statistics, &text);
  AppendIngested(statistics, &text);
  AppendStorage(statistics, &text);
  AppendRemoteWrite(context.remote_write->metrics(), &text);
  if (context.otlp != nullptr) AppendOtlp(context.otlp->metrics(), &text);
  AppendHttp(context, &text);
  AppendProcess(context, &text);
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = text.Take();
  return response;
}

}  // namespace varve::server
