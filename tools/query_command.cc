#include "tools/query_command.h"

#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/status_macros.h"
#include "server/api/api_context.h"
#include "server/api/parameters.h"
#include "server/api/query_handlers.h"
#include "server/http/form.h"
#include "tools/http_client.h"
#include "tools/open_database.h"
#include "tools/result_table.h"
#include "varve/promql.h"

namespace varve::tools {
namespace {

bool IsRange(const QueryCommand& command) {
  return !command.start.empty() || !command.end.empty() || !command.step.empty();
}

std::string EncodedParameters(const QueryCommand& command) {
  std::string encoded = "query=" + server::PercentEncode(command.expression);
  const auto add = [&encoded](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    encoded += '&';
    encoded += name;
    encoded += '=' + server::PercentEncode(value);
  };
  if (IsRange(command)) {
    add("start", command.start);
    add("end", command.end);
    add("step", command.step);
  } else {
    add("time", command.time);
  }
  return encoded;
}

int Fail(const Status& status) {
  std::fprintf(stderr, "varve query: %s\n", status.message().c_str());
  return 1;
}

// The server's own answer, as it is.
int QueryServer(const QueryCommand& command) {
  const std::string path = IsRange(command) ? "/api/v1/query_range?" : "/api/v1/query?";
  const Result<HttpAnswer> answer = HttpGet(command.server, path + EncodedParameters(command));
  if (!answer.ok()) return Fail(answer.status());
  std::printf("%s\n", answer->body.c_str());
  return answer->status == 200 ? 0 : 1;
}

int PrintJson(const QueryCommand& command, Database* database, promql::Engine* engine) {
  server::ApiContext context;
  context.database = database;
  context.engine = engine;
  const std::string parameters = EncodedParameters(command);
  server::Request request;
  request.query = parameters;
  const server::Response response = IsRange(command) ? server::HandleRangeQuery(context, request)
                                                     : server::HandleInstantQuery(context, request);
  std::printf("%s\n", response.body.c_str());
  return response.status == server::HttpStatus::kOk ? 0 : 1;
}

Result<promql::QueryResult> Evaluate(const QueryCommand& command, promql::Engine* engine) {
  if (IsRange(command)) {
    ASSIGN_OR_RETURN(const int64_t start_ms, server::ParseTimeMs(command.start));
    ASSIGN_OR_RETURN(const int64_t end_ms, server::ParseTimeMs(command.end));
    ASSIGN_OR_RETURN(const int64_t step_ms, server::ParseDurationOrSecondsMs(command.step));
    return engine->Range(command.expression, start_ms, end_ms, step_ms, {});
  }
  int64_t time_ms = Clock::System()->NowMs();
  if (!command.time.empty()) {
    ASSIGN_OR_RETURN(time_ms, server::ParseTimeMs(command.time));
  }
  return engine->Instant(command.expression, time_ms, {});
}

}  // namespace

int RunQuery(const QueryCommand& command) {
  if (!command.server.empty()) return QueryServer(command);
  Result<std::unique_ptr<Database>> database = OpenExisting(command.data_dir);
  if (!database.ok()) return Fail(database.status());
  promql::Engine engine(database->get(), {});
  if (command.output == QueryCommand::Output::kJson) {
    return PrintJson(command, database->get(), &engine);
  }
  const Result<promql::QueryResult> result = Evaluate(command, &engine);
  if (!result.ok()) return Fail(result.status());
  std::fputs(ResultTable(*result).c_str(), stdout);
  for (const std::string& text : result->warnings)
    std::fprintf(stderr, "warning: %s\n", text.c_str());
  for (const std::string& text : result->infos) std::fprintf(stderr, "info: %s\n", text.c_str());
  return 0;
}

}  // namespace varve::tools
