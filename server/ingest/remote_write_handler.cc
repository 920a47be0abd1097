#include "server/ingest/remote_write_handler.h"

#include <snappy.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "server/ingest/content_type.h"

namespace varve::server {
namespace {

// A copy element of the block format makes at most 64 bytes out of 3
// (https://github.com/google/snappy/blob/main/format_description.txt), so no body can honestly
// claim more than this.
constexpr size_t kSnappyRatioMax = 22;

// 2.0 wants to be told on every answer; a 1.0 sender ignores it.
void AddWrittenHeaders(RemoteWriteVersion version, const AppendResult& result, Response* response) {
  if (version != RemoteWriteVersion::kV2) return;
  const auto add = [&](std::string_view name, uint64_t count) {
    response->AddHeader(name, std::to_string(count));
  };
  add("X-Prometheus-Remote-Write-Samples-Written", result.samples_appended);
  add("X-Prometheus-Remote-Write-Histograms-Written", result.histograms_appended);
  add("X-Prometheus-Remote-Write-Exemplars-Written", result.exemplars_appended);
}

Response Refusal(HttpStatus status, const Status& why) {
  return TextResponse(status, why.message() + "\n");
}

// An append that failed whole: the sender may try again where that can help.
Response AppendFailure(const Status& status) {
  switch (status.code()) {
    case StatusCode::kResourceExhausted: {
      // The engine begins the message so at its floor, and the system's words are in it where the
      // disk is full; that takes longer to pass than memory.
      const std::string_view message = status.message();
      const bool is_disk = message.starts_with("free disk") ||
                           message.find("No space left on device") != std::string_view::npos;
      Response response = Refusal(
          is_disk ? HttpStatus::kInsufficientStorage : HttpStatus::kTooManyRequests, status);
      response.AddHeader("Retry-After", is_disk ? "30" : "1");
      return response;
    }
    case StatusCode::kInvalidArgument:
      return Refusal(HttpStatus::kBadRequest, status);
    case StatusCode::kIoError:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kUnavailable: {
      Response response = Refusal(HttpStatus::kServiceUnavailable, status);
      response.AddHeader("Retry-After", "10");
      return response;
    }
    default:
      return Refusal(HttpStatus::kInternalServerError, status);
  }
}

bool IsPartial(const AppendResult& result) {
  return result.samples_rejected + result.histograms_rejected + result.exemplars_rejected > 0;
}

// What a reason's count is of, as far as it can be told: most apply to each kind, and a histogram
// is a sample.
std::string_view CountedBy(RejectReason reason, const AppendResult& result) {
  if (reason == RejectReason::kInvalidHistogram) return "histograms";
  const bool only_exemplars = result.samples_rejected + result.histograms_rejected == 0;
  return only_exemplars || reason == RejectReason::kInvalidExemplar ? "exemplars" : "samples";
}

// "3 of 10 samples, 1 of 2 histograms were refused; the others are stored", then a line per reason.
std::string PartialText(const AppendResult& result) {
  std::string text;
  const auto add = [&](uint64_t rejected, uint64_t appended, std::string_view what) {
    if (rejected == 0) return;
    if (!text.empty()) text += ", ";
    text += std::to_string(rejected) + " of " + std::to_string(rejected + appended) + ' ';
    text += what;
  };
  add(result.samples_rejected, result.samples_appended, "samples");
  add(result.histograms_rejected, result.histograms_appended, "histograms");
  add(result.exemplars_rejected, result.exemplars_appended, "exemplars");
  text += " were refused; the others are stored\n";
  for (const Rejection& rejection : result.rejections) {
    text += RejectReasonName(rejection.reason);
    text += ": " + std::to_string(rejection.sample_count) + ' ';
    text += CountedBy(rejection.reason, result);
    text += "; first: " + rejection.example + '\n';
  }
  return text;
}

void AddRefusedExemplars(const StagedSeries::Refused& refused, AppendResult* result) {
  if (refused.count == 0) return;
  result->exemplars_rejected += refused.count;
  for (Rejection& rejection : result->rejections) {
    if (rejection.reason != RejectReason::kInvalidExemplar) continue;
    rejection.sample_count += refused.count;
    return;
  }
  result->rejections.push_back({RejectReason::kInvalidExemplar, refused.count, refused.example});
}

void Count(std::atomic<uint64_t>* counter, uint64_t n) {
  counter->fetch_add(n, std::memory_order_relaxed);
}

}  // namespace

RemoteWriteHandler::RemoteWriteHandler(Database* database, const RemoteWriteOptions& options,
                                       size_t worker_count)
    : database_(database), options_(options) {
  for (size_t i = 0; i < worker_count; ++i) {
    scratch_.push_back(std::make_unique<RemoteWriteScratch>());
  }
}

Response RemoteWriteHandler::Handle(const Request& request, const CallContext& context) {
  VARVE_CHECK(context.worker_index < scratch_.size());
  const Result<RemoteWriteVersion> version =
      NegotiateRemoteWrite(request.Header("Content-Type"), request.Header("Content-Encoding"));
  if (!version.ok()) return Refusal(HttpStatus::kUnsupportedMediaType, version.status());
  Count(*version == RemoteWriteVersion::kV2 ? &metrics_.requests_v2 : &metrics_.requests_v1, 1);
  Count(&metrics_.bytes_received, request.body.size());
  RemoteWriteScratch* scratch = scratch_[context.worker_index].get();
  Response response = Write(request, *version, scratch);
  scratch->Trim(options_.scratch_bytes_retained);
  return response;
}

Response RemoteWriteHandler::Write(const Request& request, RemoteWriteVersion version,
                                   RemoteWriteScratch* scratch) {
  const auto refuse = [&](HttpStatus status, const Status& why) {
    Count(&metrics_.requests_undecodable, 1);
    Response response = Refusal(status, why);
    AddWrittenHeaders(version, {}, &response);
    return response;
  };
  const std::string_view body = request.body;
  size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size)) {
    return refuse(HttpStatus::kBadRequest,
                  InvalidArgumentError("byte 0 of " + std::to_string(body.size()) +
                                       ": expected the length that starts a snappy block"));
  }
  if (size > options_.decompressed_bytes_max) {
    return refuse(
        HttpStatus::kPayloadTooLarge,
        OutOfRangeError("the body decompresses to " + std::to_string(size) +
                        " bytes; the limit is " + std::to_string(options_.decompressed_bytes_max)));
  }
  const bool is_plausible = size <= (body.size() + 1) * kSnappyRatioMax;
  char* decompressed = is_plausible ? scratch->decompressed.Reserve(size) : nullptr;
  if (!is_plausible || !snappy::RawUncompress(body.data(), body.size(), decompressed)) {
    return refuse(
        HttpStatus::kBadRequest,
        InvalidArgumentError("the body of " + std::to_string(body.size()) +
                             " bytes is no snappy block (the framed format is not taken)"));
  }
  Count(&metrics_.bytes_decompressed, size);
  const std::string_view message(decompressed, size);
  const Result<RemoteWriteContent> content =
      version == RemoteWriteVersion::kV1
          ? DecodeRemoteWriteV1(message, scratch)
          : DecodeRemoteWriteV2(message, options_.decompressed_bytes_max, scratch);
  if (!content.ok()) {
    return refuse(content.status().code() == StatusCode::kOutOfRange ? HttpStatus::kPayloadTooLarge
                                                                     : HttpStatus::kBadRequest,
                  content.status());
  }
  const bool is_empty = scratch->batch.series_count() == 0 && scratch->batch.metadata().empty();
  Result<AppendResult> result =
      is_empty ? Result<AppendResult>(AppendResult()) : database_->Append(&scratch->batch);
  if (!result.ok()) {
    scratch->metadata_filter.Forget();
    Response response = AppendFailure(result.status());
    AddWrittenHeaders(version, {}, &response);
    return response;
  }
  scratch->metadata_filter.Confirm();
  AddRefusedExemplars(content->refused_exemplars, &*result);
  return Answer(*result, version);
}

Response RemoteWriteHandler::Answer(const AppendResult& result, RemoteWriteVersion version) {
  Count(&metrics_.histograms_written, result.histograms_appended);
  Count(&metrics_.histograms_refused, result.histograms_rejected);
  Count(&metrics_.exemplars_written, result.exemplars_appended);
  Count(&metrics_.exemplars_refused, result.exemplars_rejected);
  Response response;
  if (IsPartial(result)) {
    response = TextResponse(HttpStatus::kBadRequest, PartialText(result));
  } else {
    response.status = HttpStatus::kNoContent;
  }
  AddWrittenHeaders(version, result, &response);
  return response;
}

}  // namespace varve::server
