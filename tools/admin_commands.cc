#include "tools/admin_commands.h"

#include <cstdint>
#include <cstdio>
#include <memory>

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
      "%llu parts of %llu bytes: %llu series, %llu chunks, %llu samples, %llu exemplars; "
      "%llu checkpoints, %llu journal records\n",
      Number(report.part_count), Number(report.part_bytes), Number(report.series_count),
      Number(report.chunk_count), Number(report.sample_count), Number(report.exemplar_count),
      Number(report.checkpoint_count), Number(report.journal_record_count));
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

int RunRetention(const std::string& url, const std::string& at) {
  const std::string target = "/api/v1/admin/retention";
  const Result<HttpAnswer> answer =
      HttpGet(url, at.empty() ? target : target + "?at=" + server::PercentEncode(at));
  if (!answer.ok()) return Fail("retention", answer.status().message());
  std::fprintf(answer->status == 200 ? stdout : stderr, "%s\n", answer->body.c_str());
  return answer->status == 200 ? 0 : 1;
}

}  // namespace varve::tools
