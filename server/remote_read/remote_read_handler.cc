#include "server/remote_read/remote_read_handler.h"

#include <snappy.h>

#include <memory>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "server/remote_read/chunk_stream.h"
#include "server/remote_read/proto_writer.h"
#include "server/remote_read/read_messages.h"

namespace varve::server {
namespace {

Response Refusal(const Status& why) {
  HttpStatus status = HttpStatus::kInternalServerError;
  if (why.code() == StatusCode::kInvalidArgument) status = HttpStatus::kBadRequest;
  if (why.code() == StatusCode::kResourceExhausted) status = HttpStatus::kBadRequest;
  if (why.code() == StatusCode::kOutOfRange) status = HttpStatus::kPayloadTooLarge;
  if (why.code() == StatusCode::kCancelled || why.code() == StatusCode::kUnavailable ||
      why.code() == StatusCode::kFailedPrecondition) {
    status = HttpStatus::kServiceUnavailable;
  }
  return TextResponse(status, why.message() + "\n");
}

Result<ReadRequest> ReadBody(const Request& request, size_t bytes_max) {
  const std::string_view body = request.body;
  size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size)) {
    return InvalidArgumentError("expected a body that is a snappy block");
  }
  if (size > bytes_max) {
    return OutOfRangeError("the body decompresses to " + std::to_string(size) +
                           " bytes; the limit is " + std::to_string(bytes_max));
  }
  std::string message;
  if (!snappy::Uncompress(body.data(), body.size(), &message)) {
    return InvalidArgumentError("the body of " + std::to_string(body.size()) +
                                " bytes is no snappy block");
  }
  return DecodeReadRequest(message);
}

}  // namespace

Response RemoteReadHandler::Handle(const Request& request) {
  Result<ReadRequest> read = ReadBody(request, options_.request_bytes_max);
  if (!read.ok()) return Refusal(read.status());
  return read->response_type == ReadResponseType::kStreamedXorChunks
             ? AnswerChunks(std::move(*read), request.stop)
             : AnswerSamples(*read, request.stop);
}

Result<std::string> RemoteReadHandler::ReadSamples(const ReadQuery& query,
                                                   const std::stop_token& stop,
                                                   uint64_t* samples_left,
                                                   size_t* bytes_left) const {
  std::string result;
  if (query.range.min_ms > query.range.max_ms) return result;
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesCursor> cursor,
                   database_->Read({&query.selector, 1}, query.range));
  ProtoWriter writer(&result);
  SeriesSamples series;
  while (true) {
    if (stop.stop_requested()) return CancelledError("the client left");
    ASSIGN_OR_RETURN(const bool found, cursor->Next(&series));
    if (!found) break;
    const uint64_t count = series.samples.size() + series.histograms.size();
    if (count > *samples_left) {
      return ResourceExhaustedError("exceeded sample limit (" +
                                    std::to_string(options_.samples_max) + ")");
    }
    *samples_left -= count;
    writer.Message(1, [&](ProtoWriter* message) { WriteTimeSeries(series, message); });
    if (result.size() > *bytes_left) {
      return ResourceExhaustedError("the answer exceeds " +
                                    std::to_string(options_.answer_bytes_max) +
                                    " bytes; ask for STREAMED_XOR_CHUNKS or for less");
    }
  }
  *bytes_left -= result.size();
  return result;
}

Response RemoteReadHandler::AnswerSamples(const ReadRequest& read,
                                          const std::stop_token& stop) const {
  uint64_t samples_left = options_.samples_max;
  size_t bytes_left = options_.answer_bytes_max;
  std::string message;
  ProtoWriter writer(&message);
  for (const ReadQuery& query : read.queries) {
    const Result<std::string> result = ReadSamples(query, stop, &samples_left, &bytes_left);
    if (!result.ok()) return Refusal(result.status());
    writer.Bytes(1, *result);
  }
  Response response;
  response.content_type = "application/x-protobuf";
  response.AddHeader("Content-Encoding", "snappy");
  snappy::Compress(message.data(), message.size(), &response.body);
  return response;
}

// The first piece is made at once, so that what is wrong from the beginning is an answer of its
// own.
Response RemoteReadHandler::AnswerChunks(ReadRequest read, const std::stop_token& stop) {
  std::unique_ptr<StreamPermit> permit =
      StreamPermit::TryTake(&open_streams_, options_.stream_count_max);
  if (permit == nullptr) {
    Response response = Refusal(UnavailableError(std::to_string(options_.stream_count_max) +
                                                 " remote reads are being streamed already"));
    response.AddHeader("Retry-After", "1");
    return response;
  }
  auto stream =
      std::make_shared<ChunkStream>(database_, std::move(read.queries), std::move(permit), stop);
  Response response;
  response.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  const Result<bool> has_more = stream->Next(&response.body);
  if (!has_more.ok()) return Refusal(has_more.status());
  if (*has_more) response.stream = std::move(stream);
  return response;
}

}  // namespace varve::server
