#include "server/otlp/otlp_handler.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "server/otlp/json_transcoder.h"
#include "server/otlp/otlp_response.h"

namespace varve::server {
namespace {

// What one request may become in memory besides its body.
constexpr size_t kBatchBytesMax = size_t{256} << 20;

void Count(std::atomic<uint64_t>* counter, uint64_t n) {
  counter->fetch_add(n, std::memory_order_relaxed);
}

// A data point can be several samples (a histogram's buckets), each refused for itself, and those
// of target_info are of no point: what the database refused is counted as so many points, at most
// all.
OtlpPartialSuccess PartialSuccess(const OtlpMetricsContent& content, const AppendResult& result) {
  OtlpPartialSuccess partial;
  partial.json_name = "rejectedDataPoints";
  const uint64_t taken = content.point_count - content.refused.count;
  const uint64_t rejected = result.samples_rejected + result.histograms_rejected;
  partial.rejected = content.refused.count + std::min(taken, rejected);
  if (content.refused.count > 0) {
    partial.message = std::to_string(content.refused.count) +
                      " data points were refused; first: " + content.refused.example;
  }
  for (const Rejection& rejection : result.rejections) {
    if (!partial.message.empty()) partial.message += '\n';
    partial.message += std::string(RejectReasonName(rejection.reason)) + ": " +
                       std::to_string(rejection.sample_count) +
                       " refused; first: " + rejection.example;
  }
  return partial;
}

}  // namespace

OtlpHandler::OtlpHandler(Database* database, const OtlpOptions& options, size_t worker_count)
    : database_(database), options_(options), delta_state_(database) {
  for (size_t i = 0; i < worker_count; ++i) {
    scratch_.push_back(std::make_unique<OtlpMetricsScratch>());
  }
}

Response OtlpHandler::Refuse(OtlpEncoding encoding, const Status& why) {
  Count(&metrics_.requests_undecodable, 1);
  return OtlpFailure(encoding, why);
}

std::optional<Response> OtlpHandler::StoreMetrics(std::string_view body, OtlpEncoding encoding,
                                                  DeltaState* delta, OtlpMetricsScratch* scratch) {
  const Result<OtlpMetricsContent> content =
      DecodeOtlpMetrics(body, kBatchBytesMax, delta, scratch);
  if (!content.ok()) return Refuse(encoding, content.status());
  if (content->needs_delta_state) return std::nullopt;
  const bool is_empty = scratch->batch.series_count() == 0 && scratch->batch.metadata().empty();
  const Result<AppendResult> result =
      is_empty ? Result<AppendResult>(AppendResult()) : database_->Append(&scratch->batch);
  if (!result.ok()) {
    scratch->metadata_filter.Forget();
    return OtlpAppendFailure(encoding, result.status());
  }
  scratch->metadata_filter.Confirm();
  if (delta != nullptr && result->samples_rejected + result->histograms_rejected == 0) {
    delta->Confirm();
  }
  const OtlpPartialSuccess partial = PartialSuccess(*content, *result);
  Count(&metrics_.points_received, content->point_count);
  Count(&metrics_.points_refused, partial.rejected);
  return OtlpSuccess(encoding, partial);
}

Response OtlpHandler::HandleTraces(const Request& request) {
  Count(&metrics_.trace_requests, 1);
  const Result<OtlpEncoding> encoding = OtlpEncodingOf(request.Header("Content-Type"));
  if (!encoding.ok()) {
    return Refuse(OtlpEncoding::kJson, UnimplementedError(encoding.status().message()));
  }
  std::string buffer;
  const Result<std::string_view> body = DecompressedBody(request, options_.body_bytes_max, &buffer);
  if (!body.ok()) return Refuse(*encoding, body.status());
  if (*encoding == OtlpEncoding::kJson) {
    Result<std::string> transcoded = TranscodeOtlpJson(OtlpRequest::kTraces, *body);
    if (!transcoded.ok()) return Refuse(*encoding, transcoded.status());
    buffer = *std::move(transcoded);
  } else if (buffer.empty()) {
    buffer = *body;
  }
  const Result<SpanAppendResult> result = database_->AppendSpans(std::move(buffer));
  if (!result.ok()) {
    if (result.status().code() == StatusCode::kInvalidArgument) {
      return Refuse(*encoding, result.status());
    }
    return OtlpAppendFailure(*encoding, result.status());
  }
  OtlpPartialSuccess partial;
  partial.json_name = "rejectedSpans";
  partial.rejected = result->spans_rejected;
  if (partial.rejected > 0) {
    partial.message =
        std::to_string(partial.rejected) + " spans were refused; first: " + result->example;
  }
  return OtlpSuccess(*encoding, partial);
}

Response OtlpHandler::HandleMetrics(const Request& request, const CallContext& context) {
  VARVE_CHECK(context.worker_index < scratch_.size());
  OtlpMetricsScratch* scratch = scratch_[context.worker_index].get();
  Count(&metrics_.metric_requests, 1);
  const Result<OtlpEncoding> encoding = OtlpEncodingOf(request.Header("Content-Type"));
  if (!encoding.ok()) {
    return Refuse(OtlpEncoding::kJson, UnimplementedError(encoding.status().message()));
  }
  std::string buffer;
  Result<std::string_view> body = DecompressedBody(request, options_.body_bytes_max, &buffer);
  if (!body.ok()) return Refuse(*encoding, body.status());
  if (*encoding == OtlpEncoding::kJson) {
    Result<std::string> transcoded = TranscodeOtlpJson(OtlpRequest::kMetrics, *body);
    if (!transcoded.ok()) return Refuse(*encoding, transcoded.status());
    buffer = *std::move(transcoded);
    body = std::string_view(buffer);
  }
  std::optional<Response> response = StoreMetrics(*body, *encoding, nullptr, scratch);
  if (response.has_value()) return *std::move(response);
  MutexLock lock(&delta_mutex_);
  response = StoreMetrics(*body, *encoding, &delta_state_, scratch);
  delta_state_.Forget();  // nothing, after Confirm
  return *std::move(response);
}

}  // namespace varve::server
