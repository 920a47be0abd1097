#include "server/api/envelope.h"

#include <utility>

namespace varve::server {
namespace {

constexpr std::string_view kJson = "application/json";

void WriteStrings(std::string_view key, std::span<const std::string> strings, JsonWriter* json) {
  if (strings.empty()) return;
  json->Key(key);
  json->BeginArray();
  for (const std::string& text : strings) json->String(text);
  json->EndArray();
}

}  // namespace

SuccessAnswer::SuccessAnswer() : json_(&response_.body) {
  response_.content_type = kJson;
  json_.BeginObject();
  json_.Key("status");
  json_.String("success");
  json_.Key("data");
}

Response SuccessAnswer::Finish(std::span<const std::string> warnings,
                               std::span<const std::string> infos) {
  WriteStrings("warnings", warnings, &json_);
  WriteStrings("infos", infos, &json_);
  json_.EndObject();
  return std::move(response_);
}

Response SuccessLiteral(std::string_view data) {
  SuccessAnswer answer;
  answer.json().Literal(data);
  return answer.Finish();
}

Response ErrorAnswer(HttpStatus status, std::string_view error_type, std::string_view message) {
  Response response;
  response.status = status;
  response.content_type = kJson;
  JsonWriter json(&response.body);
  json.BeginObject();
  json.Key("status");
  json.String("error");
  json.Key("errorType");
  json.String(error_type);
  json.Key("error");
  json.String(message);
  json.EndObject();
  return response;
}

Response ErrorAnswer(const Status& status) {
  const std::string& message = status.message();
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return ErrorAnswer(HttpStatus::kBadRequest, "bad_data", message);
    case StatusCode::kOutOfRange:
    case StatusCode::kResourceExhausted:
      return ErrorAnswer(HttpStatus::kUnprocessableEntity, "execution", message);
    case StatusCode::kDeadlineExceeded:
      return ErrorAnswer(HttpStatus::kServiceUnavailable, "timeout", message);
    case StatusCode::kCancelled:
      return ErrorAnswer(HttpStatus::kServiceUnavailable, "canceled", message);
    case StatusCode::kNotFound:
      return ErrorAnswer(HttpStatus::kNotFound, "not_found", message);
    case StatusCode::kUnavailable:
    case StatusCode::kFailedPrecondition:
      return ErrorAnswer(HttpStatus::kServiceUnavailable, "unavailable", message);
    default:
      return ErrorAnswer(HttpStatus::kInternalServerError, "internal", message);
  }
}

void WriteLabels(const Labels& labels, JsonWriter* json) {
  json->BeginObject();
  for (const LabelView label : labels) {
    json->Key(label.name);
    json->String(label.value);
  }
  json->EndObject();
}

}  // namespace varve::server
