#include "server/api/admin_handlers.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/api/envelope.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

Response NoContentAnswer(const Status& status) {
  // What is exhausted where something is written is the disk.
  if (status.code() == StatusCode::kResourceExhausted) {
    return ErrorAnswer(HttpStatus::kInsufficientStorage, "unavailable", status.message());
  }
  if (!status.ok()) return ErrorAnswer(status);
  Response response;
  response.status = HttpStatus::kNoContent;
  return response;
}

Status DeleteSeries(const ApiContext& context, const Request& request) {
  ASSIGN_OR_RETURN(const Form form, ReadForm(request));
  ASSIGN_OR_RETURN(const std::vector<Selector> selectors, SelectorParameters(form));
  if (selectors.empty()) return InvalidArgumentError("no match[] parameter provided");
  ASSIGN_OR_RETURN(const TimeRange range, TimeRangeParameters(form));
  return context.database->Delete(selectors, range).status();
}

}  // namespace

Response HandleDeleteSeries(const ApiContext& context, const Request& request) {
  return NoContentAnswer(DeleteSeries(context, request));
}

Response HandleCleanTombstones(const ApiContext& context, const Request&) {
  return NoContentAnswer(context.database->Maintain());
}

Response HandleFlush(const ApiContext& context, const Request&) {
  return NoContentAnswer(context.database->Flush());
}

Response HandleCompact(const ApiContext& context, const Request&) {
  const Result<CompactReport> report = context.database->Compact();
  if (!report.ok()) return NoContentAnswer(report.status());
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginObject();
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"partsBefore", report->parts_before},
      {"partsAfter", report->parts_after},
      {"bytesBefore", report->bytes_before},
      {"bytesAfter", report->bytes_after},
  };
  for (const auto& [name, value] : numbers) {
    json.Key(name);
    json.Integer(value);
  }
  json.EndObject();
  return answer.Finish();
}

}  // namespace varve::server
