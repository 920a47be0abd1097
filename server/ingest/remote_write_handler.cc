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

struct WrittenCounts {
  uint64_t samples = 0;
};

// 2.0 wants to be told on every answer; a 1.0 sender ignores it.
void AddWrittenHeaders(RemoteWriteVersion version, WrittenCounts written, Response* response) {
  if (version != RemoteWriteVersion::kV2) return;
  response->AddHeader("X-Prometheus-Remote-Write-Samples-Written", std::to_string(written.samples));
  response->AddHeader("X-Prometheus-Remote-Write-Histograms-Written", "0");
  response->AddHeader("X-Prometheus-Remote-Write-Exemplars-Written", "0");
}

Response Refusal(HttpStatus status, const Status& why) {
  return TextResponse(status, why.message() + "\n");
}

// An append that failed whole: the sender may try again where that can help.
Response AppendFailure(const Status& status) {
  switch (status.code()) {
    case StatusCode::kResourceExhausted: {
      // The engine begins the message so when it is the disk that is full, which takes longer to
      // pass than memory.
      const bool is_disk = std::string_view(status.message()).starts_with("free disk");
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

std::string PartialText(const AppendResult& result, const RemoteWriteContent& content) {
  std::string text = std::to_string(result.samples_rejected) + " of " +
                     std::to_string(result.samples_rejected + result.samples_appended) +
                     " samples were refused; the others are stored\n";
  for (const Rejection& rejection : result.rejections) {
    text += std::string(RejectReasonName(rejection.reason)) + ": " +
            std::to_string(rejection.sample_count) + " samples; first: " + rejection.example + "\n";
  }
  if (content.histogram_count > 0) {
    text += "native_histogram: " + std::to_string(content.histogram_count) +
            " histograms; histograms are not stored yet\n";
  }
  return text;
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
  Count(&metrics_.histograms_refused, content->histogram_count);
  Count(&metrics_.exemplars_ignored, content->exemplar_count);
  const bool is_empty = scratch->batch.sample_count() == 0 && scratch->batch.metadata().empty();
  return Answer(
      is_empty ? Result<AppendResult>(AppendResult()) : database_->Append(&scratch->batch),
      *content, version, scratch);
}

Response RemoteWriteHandler::Answer(const Result<AppendResult>& result,
                                    const RemoteWriteContent& content, RemoteWriteVersion version,
                                    RemoteWriteScratch* scratch) const {
  Response response;
  WrittenCounts written;
  if (!result.ok()) {
    scratch->metadata_filter.Forget();
    response = AppendFailure(result.status());
  } else {
    scratch->metadata_filter.Confirm();
    written.samples = result->samples_appended;
    if (result->samples_rejected > 0 || content.histogram_count > 0) {
      response = TextResponse(HttpStatus::kBadRequest, PartialText(*result, content));
    } else {
      response.status = HttpStatus::kNoContent;
    }
  }
  AddWrittenHeaders(version, written, &response);
  return response;
}

}  // namespace varve::server
