#include "server/api/admin_handlers.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
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

void WriteVerifyReport(const VerifyReport& report, JsonWriter* json) {
  json->BeginObject();
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"parts", report.part_count},
      {"partBytes", report.part_bytes},
      {"series", report.series_count},
      {"chunks", report.chunk_count},
      {"samples", report.sample_count},
      {"exemplars", report.exemplar_count},
      {"spans", report.span_count},
      {"checkpoints", report.checkpoint_count},
      {"journalRecords", report.journal_record_count}};
  for (const auto& [name, number] : numbers) {
    json->Key(name);
    json->Integer(number);
  }
  json->Key("familyBytes");
  json->BeginObject();
  for (const NamedCount& family : report.family_bytes) {
    json->Key(family.name);
    json->Integer(family.value);
  }
  json->EndObject();
  json->Key("faults");
  json->BeginArray();
  for (const VerifyFault& fault : report.faults) {
    json->BeginObject();
    json->Key("where");
    json->String(fault.where);
    json->Key("what");
    json->String(fault.what);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

namespace {

// "20261126T123456Z-1a2b3c4d", as Prometheus names its snapshots: the time and something random.
std::string SnapshotName() {
  static std::atomic<uint32_t> count{0};
  const int64_t now_ms = Clock::System()->NowMs();
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  struct tm civil {};
  gmtime_r(&seconds, &civil);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &civil);
  char name[64];
  std::snprintf(name, sizeof name, "%s-%08x", time,
                static_cast<uint32_t>(MixBits(static_cast<uint64_t>(now_ms) << 8 | count++)));
  return name;
}

}  // namespace

Response HandleSnapshot(const ApiContext& context, const Request&) {
  const std::string name = SnapshotName();
  const Status status = context.database->Snapshot(context.snapshot_directory + "/" + name);
  if (!status.ok()) return NoContentAnswer(status);
  SuccessAnswer answer;
  answer.json().BeginObject();
  answer.json().Key("name");
  answer.json().String(name);
  answer.json().EndObject();
  return answer.Finish();
}

Response HandleVerify(const ApiContext& context, const Request&) {
  const Result<VerifyReport> report = context.database->Verify();
  if (!report.ok()) return NoContentAnswer(report.status());
  SuccessAnswer answer;
  WriteVerifyReport(*report, &answer.json());
  return answer.Finish();
}

void WriteRepairReport(const RepairReport& report, JsonWriter* json) {
  json->BeginObject();
  json->Key("partsReplaced");
  json->Integer(report.parts_replaced);
  json->Key("filesReplaced");
  json->Integer(report.files_replaced);
  json->Key("quarantine");
  json->String(report.quarantine);
  json->Key("lost");
  json->BeginArray();
  for (const LostSamples& lost : report.lost) {
    json->BeginObject();
    json->Key("part");
    json->Integer(lost.part_id);
    json->Key("labels");
    json->String(lost.labels.ToString());
    json->Key("series");
    json->Integer(lost.series_count);
    json->Key("samples");
    json->Integer(lost.sample_count);
    json->Key("minTime");
    json->Seconds(lost.range.min_ms);
    json->Key("maxTime");
    json->Seconds(lost.range.max_ms);
    json->Key("reason");
    json->String(lost.reason);
    json->EndObject();
  }
  json->EndArray();
  json->Key("found");
  WriteVerifyReport(report.found, json);
  json->Key("left");
  WriteVerifyReport(report.left, json);
  json->EndObject();
}

Response HandleRepair(const ApiContext& context, const Request&) {
  const Result<RepairReport> report = context.database->Repair();
  if (!report.ok()) return NoContentAnswer(report.status());
  SuccessAnswer answer;
  WriteRepairReport(*report, &answer.json());
  return answer.Finish();
}

Response HandleParts(const ApiContext& context, const Request&) {
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginArray();
  for (const PartDescription& part : context.database->Parts()) {
    json.BeginObject();
    json.Key("part");
    json.Integer(part.part_id);
    json.Key("signal");
    json.String(part.signal);
    json.Key("rule");
    json.String(part.rule);
    const std::pair<std::string_view, uint64_t> numbers[] = {
        {"resolutionSeconds", static_cast<uint64_t>(part.resolution_ms / 1000)},
        {"level", part.level},
        {"series", part.series_count},
        {"samples", part.sample_count},
        {"chunks", part.chunk_count}};
    for (const auto& [name, number] : numbers) {
      json.Key(name);
      json.Integer(number);
    }
    json.Key("minTime");
    json.Seconds(part.range.min_ms);
    json.Key("maxTime");
    json.Seconds(part.range.max_ms);
    json.Key("familyBytes");
    json.BeginObject();
    for (const NamedCount& family : part.family_bytes) {
      json.Key(family.name);
      json.Integer(family.value);
    }
    json.EndObject();
    json.EndObject();
  }
  json.EndArray();
  return answer.Finish();
}

Response HandleRetention(const ApiContext& context, const Request& request) {
  const Result<Form> form = ReadForm(request);
  if (!form.ok()) return ErrorAnswer(form.status());
  constexpr int64_t kNow = INT64_MIN;
  const Result<int64_t> at_ms = TimeParameter(*form, "at", kNow);
  if (!at_ms.ok()) return ErrorAnswer(at_ms.status());
  const Result<std::vector<ExpiringPart>> expiring =
      context.database->Expiring(*at_ms == kNow ? std::nullopt : std::optional<int64_t>(*at_ms));
  if (!expiring.ok()) return ErrorAnswer(expiring.status());
  SuccessAnswer answer;
  JsonWriter& json = answer.json();
  json.BeginArray();
  for (const ExpiringPart& part : *expiring) {
    json.BeginObject();
    const std::pair<std::string_view, const std::string&> texts[] = {
        {"signal", part.signal}, {"rule", part.rule}, {"reason", part.reason}};
    for (const auto& [name, text] : texts) {
      json.Key(name);
      json.String(text);
    }
    const std::pair<std::string_view, uint64_t> numbers[] = {{"part", part.part_id},
                                                             {"series", part.series_count},
                                                             {"samples", part.sample_count},
                                                             {"bytes", part.bytes}};
    for (const auto& [name, number] : numbers) {
      json.Key(name);
      json.Integer(number);
    }
    json.Key("minTime");
    json.Seconds(part.range.min_ms);
    json.Key("maxTime");
    json.Seconds(part.range.max_ms);
    json.EndObject();
  }
  json.EndArray();
  return answer.Finish();
}

}  // namespace varve::server
