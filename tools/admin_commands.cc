#include "tools/admin_commands.h"

#include <cstdint>
#include <cstdio>
#include <memory>

#include "base/status_macros.h"
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

}  // namespace varve::tools
