#include "tools/admin_commands.h"

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "server/api/admin_handlers.h"
#include "server/api/json_writer.h"
#include "server/http/form.h"
#include "tools/http_client.h"
#include "tools/open_database.h"

namespace varve::tools {
namespace {

int Fail(const char* command, const std::string& message) {
  std::fprintf(stderr, "varve %s: %s\n", command, message.c_str());
  return 1;
}

// Posts and prints the server's answer.
int PostTo(const char* command, const Target& target, const std::string& path) {
  const Result<HttpAnswer> answer = HttpPost(target.server, path);
  if (!answer.ok()) return Fail(command, answer.status().message());
  const bool succeeded = answer->status >= 200 && answer->status < 300;
  std::fprintf(succeeded ? stdout : stderr, "%s\n", answer->body.c_str());
  return succeeded ? 0 : 1;
}

unsigned long long Number(uint64_t value) { return value; }

Result<CompactReport> CompactDirectory(const std::string& data_dir) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, OpenExisting(data_dir));
  ASSIGN_OR_RETURN(const CompactReport report, database->Compact());
  RETURN_IF_ERROR(database->Close());
  return report;
}

void PrintReport(const VerifyReport& report) {
  std::printf(
      "%llu parts of %llu bytes: %llu series, %llu chunks, %llu samples, %llu exemplars, "
      "%llu spans; %llu checkpoints, %llu journal records\n",
      Number(report.part_count), Number(report.part_bytes), Number(report.series_count),
      Number(report.chunk_count), Number(report.sample_count), Number(report.exemplar_count),
      Number(report.span_count), Number(report.checkpoint_count),
      Number(report.journal_record_count));
  for (const VerifyFault& fault : report.faults) {
    std::printf("FAULT %s: %s\n", fault.where.c_str(), fault.what.c_str());
  }
  std::printf(report.faults.empty() ? "sound\n" : "%llu faults\n", Number(report.faults.size()));
}

}  // namespace

int RunCompact(const Target& target) {
  if (!target.server.empty()) return PostTo("compact", target, "/api/v1/admin/compact");
  const Result<CompactReport> report = CompactDirectory(target.data_dir);
  if (!report.ok()) return Fail("compact", report.status().message());
  std::printf("%llu parts of %llu bytes became %llu parts of %llu bytes\n",
              Number(report->parts_before), Number(report->bytes_before),
              Number(report->parts_after), Number(report->bytes_after));
  return 0;
}

int RunVerify(const Target& target, Output output) {
  if (!target.server.empty()) {
    const Result<HttpAnswer> answer = HttpPost(target.server, "/api/v1/admin/verify");
    if (!answer.ok() || answer->status != 200) {
      Fail("verify", answer.ok() ? answer->body : answer.status().message());
      return 2;
    }
    std::printf("%s\n", answer->body.c_str());
    return answer->body.find("\"faults\":[]") == std::string::npos ? 1 : 0;
  }
  const Result<std::unique_ptr<Database>> database = OpenExisting(target.data_dir);
  const Result<VerifyReport> report =
      database.ok() ? (*database)->Verify() : Result<VerifyReport>(database.status());
  if (!report.ok()) {
    Fail("verify", report.status().message());
    return report.status().code() == StatusCode::kDataLoss ? 1 : 2;
  }
  const uint64_t lost = (*database)->Statistics().recovery_damaged_records;
  if (output == Output::kJson) {
    std::string text;
    server::JsonWriter json(&text);
    server::WriteVerifyReport(*report, &json);
    std::printf("%s\n", text.c_str());
  } else {
    PrintReport(*report);
  }
  if (lost > 0) {
    std::fprintf(stderr, "varve verify: opening it met %llu damaged records; see above\n",
                 Number(lost));
  }
  return report->faults.empty() && lost == 0 ? 0 : 1;
}

namespace {

std::string TimeText(int64_t ms) {
  const auto seconds = static_cast<time_t>(ms / 1000);
  struct tm civil {};
  gmtime_r(&seconds, &civil);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &civil);
  return text;
}

void PrintRepair(const RepairReport& report) {
  for (const VerifyFault& fault : report.found.faults) {
    std::printf("FAULT %s: %s\n", fault.where.c_str(), fault.what.c_str());
  }
  for (const LostSamples& lost : report.lost) {
    const std::string series =
        lost.labels.size() > 0 ? lost.labels.ToString()
                               : std::to_string(lost.series_count) + " series of unknown labels";
    const std::string count =
        lost.sample_count > 0 ? std::to_string(lost.sample_count) + " samples" : "all samples";
    std::printf("LOST  %s: %s from %s to %s (part %llu: %s)\n", series.c_str(), count.c_str(),
                TimeText(lost.range.min_ms).c_str(), TimeText(lost.range.max_ms).c_str(),
                Number(lost.part_id), lost.reason.c_str());
  }
  if (!report.quarantine.empty()) {
    std::printf("%llu parts and %llu other files replaced; the damaged ones are in %s\n",
                Number(report.parts_replaced), Number(report.files_replaced),
                report.quarantine.c_str());
  }
  for (const VerifyFault& fault : report.left.faults) {
    std::printf("LEFT  %s: %s\n", fault.where.c_str(), fault.what.c_str());
  }
  std::printf(report.left.faults.empty() ? "sound\n" : "%llu faults left\n",
              Number(report.left.faults.size()));
}

}  // namespace

int RunRepair(const Target& target, Output output) {
  if (!target.server.empty()) return PostTo("repair", target, "/api/v1/admin/repair");
  const Result<std::unique_ptr<Database>> database = OpenExisting(target.data_dir);
  Result<RepairReport> report =
      database.ok() ? (*database)->Repair() : Result<RepairReport>(database.status());
  if (!report.ok()) {
    Fail("repair", report.status().message());
    if (!database.ok() && database.status().code() == StatusCode::kDataLoss) {
      std::fprintf(stderr, "varve repair: the store itself is damaged; restore a backup\n");
    }
    return 2;
  }
  if (const Status closed = (*database)->Close(); !closed.ok()) {
    return Fail("repair", closed.message());
  }
  if (output == Output::kJson) {
    std::string text;
    server::JsonWriter json(&text);
    server::WriteRepairReport(*report, &json);
    std::printf("%s\n", text.c_str());
  } else {
    PrintRepair(*report);
  }
  return report->left.faults.empty() && report->lost.empty() ? 0 : 1;
}

int RunRetention(const std::string& url, const std::string& at) {
  const std::string target = "/api/v1/admin/retention";
  const Result<HttpAnswer> answer =
      HttpGet(url, at.empty() ? target : target + "?at=" + server::PercentEncode(at));
  if (!answer.ok()) return Fail("retention", answer.status().message());
  std::fprintf(answer->status == 200 ? stdout : stderr, "%s\n", answer->body.c_str());
  return answer->status == 200 ? 0 : 1;
}

}  // namespace varve::tools
