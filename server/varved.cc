#include "server/varved.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "server/api/api_context.h"
#include "server/api/endpoints.h"
#include "server/config/config.h"
#include "server/grpc/grpc_server.h"
#include "server/http/dispatcher.h"
#include "server/http/http_server.h"
#include "server/ingest/remote_write_handler.h"
#include "server/otlp/otlp_handler.h"
#include "server/remote_read/remote_read_handler.h"
#include "varve/database.h"
#include "varve/promql.h"
#include "varve/traceql.h"

namespace varve::server {
namespace {

constexpr int64_t kDrainMs = 30'000;
constexpr size_t kQueriesWaitingMax = 256;
constexpr size_t kWritesWaitingMax = 128;
constexpr size_t kControlWorkers = 2;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> NewLogger(LogLevel level) {
  auto logger =
      std::make_shared<spdlog::logger>("varved", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(ToSpdlog(level));
  logger->flush_on(spdlog::level::debug);
  return logger;
}

// Blocks them in the calling thread and so in all that it starts; WaitForStop takes them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a client that left is an error code, not the end
  return signals;
}

// Returns at the first of the signals; from then on a second one ends the process.
int WaitForStop(const sigset_t& signals) {
  int number = 0;
  while (sigwait(&signals, &number) != 0) {
  }
  std::thread([signals] {
    int second = 0;
    if (sigwait(&signals, &second) == 0) _exit(128 + second);
  }).detach();
  return number;
}

DispatcherOptions ToDispatcherOptions(const Config& config) {
  DispatcherOptions options;
  auto& write = options.lanes[static_cast<size_t>(Lane::kWrite)];
  write.worker_count = config.write_concurrency;
  write.queue_size_max = kWritesWaitingMax;
  write.refusal = HttpStatus::kTooManyRequests;
  auto& query = options.lanes[static_cast<size_t>(Lane::kQuery)];
  query.worker_count = config.query.concurrency_max;
  query.queue_size_max = kQueriesWaitingMax;
  query.queue_wait_ms_max = config.query.timeout_ms;
  options.lanes[static_cast<size_t>(Lane::kControl)].worker_count = kControlWorkers;
  return options;
}

// Everything that one run holds; destroyed in the reverse order, the server first.
struct Running {
  std::unique_ptr<Database> database;
  std::unique_ptr<promql::Engine> engine;
  std::unique_ptr<traceql::Engine> traces;
  std::unique_ptr<RemoteWriteHandler> remote_write;
  std::unique_ptr<RemoteReadHandler> remote_read;
  std::unique_ptr<OtlpHandler> otlp;
  ApiContext context;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<HttpServer> otlp_http;  // null: off
  std::unique_ptr<GrpcServer> otlp_grpc;  // null: off
};

Status StartServing(const Config& config, const LogFunction& log, Running* running) {
  // The port before the data: a second server with the same command line should say so at once.
  ASSIGN_OR_RETURN(running->http, HttpServer::Bind(config.listen, config.http, log));
  if (config.otlp_http != "off") {
    ASSIGN_OR_RETURN(running->otlp_http, HttpServer::Bind(config.otlp_http, config.http, log));
  }
  Options options = config.database;
  options.log = log;
  ASSIGN_OR_RETURN(running->database, Database::Open(options, config.data_dir));
  running->engine = std::make_unique<promql::Engine>(running->database.get(), config.query);
  traceql::EngineOptions traceql_options;
  traceql_options.timeout_ms = config.query.timeout_ms;
  running->traces = std::make_unique<traceql::Engine>(running->database.get(), traceql_options);
  RemoteWriteOptions write_options;
  write_options.decompressed_bytes_max = config.http.body_bytes_max;
  running->remote_write = std::make_unique<RemoteWriteHandler>(
      running->database.get(), write_options, config.write_concurrency);
  ApiContext& context = running->context;
  context.snapshot_directory = config.data_dir + "/snapshots";
  context.database = running->database.get();
  context.engine = running->engine.get();
  context.traces = running->traces.get();
  context.remote_write = running->remote_write.get();
  running->remote_read =
      std::make_unique<RemoteReadHandler>(running->database.get(), RemoteReadOptions());
  context.remote_read = running->remote_read.get();
  OtlpOptions otlp_options;
  otlp_options.body_bytes_max = config.http.body_bytes_max;
  running->otlp = std::make_unique<OtlpHandler>(running->database.get(), otlp_options,
                                                config.write_concurrency);
  context.otlp = running->otlp.get();
  context.connections = &running->http->connection_metrics();
  context.start_time_ms = Clock::System()->NowMs();
  context.flags = EffectiveSettings(config);
  for (const auto& [name, value] : context.flags) {
    if (name == "retention") context.retention = value;
  }
  auto dispatcher =
      std::make_shared<Dispatcher>(ToDispatcherOptions(config), ApiEndpoints(&context));
  context.dispatcher = dispatcher.get();
  RETURN_IF_ERROR(running->http->Start(dispatcher));
  if (running->otlp_http != nullptr) RETURN_IF_ERROR(running->otlp_http->Start(dispatcher));
  if (config.otlp_grpc == "off") return OkStatus();
  GrpcLimits grpc_limits;
  grpc_limits.message_bytes_max = config.http.body_bytes_max;
  grpc_limits.memory_bytes_max = config.http.body_bytes_total_max;
  ASSIGN_OR_RETURN(running->otlp_grpc,
                   GrpcServer::Start(config.otlp_grpc, std::move(dispatcher), grpc_limits));
  return OkStatus();
}

int Serve(const Config& config, const sigset_t& signals) {
  const std::shared_ptr<spdlog::logger> logger = NewLogger(config.log_level);
  const LogFunction log = [logger](LogLevel level, std::string_view message) {
    logger->log(ToSpdlog(level), message);
  };
  Running running;
  if (const Status status = StartServing(config, log, &running); !status.ok()) {
    logger->error("cannot start on {}: {}", config.data_dir, status.message());
    return 1;
  }
  std::string also;
  if (running.otlp_http != nullptr) also += ", OTLP on http://" + running.otlp_http->address();
  if (running.otlp_grpc != nullptr) also += ", OTLP on grpc://" + running.otlp_grpc->address();
  std::printf("varved " VARVE_VERSION " is ready on http://%s%s, data in %s\n",
              running.http->address().c_str(), also.c_str(), config.data_dir.c_str());
  std::fflush(stdout);

  const int number = WaitForStop(signals);
  logger->info("{}: finishing the requests under way", strsignal(number));
  if (running.otlp_grpc != nullptr) running.otlp_grpc->Stop(kDrainMs);
  if (running.otlp_http != nullptr) running.otlp_http->Stop(kDrainMs);
  running.http->Stop(kDrainMs);
  if (const Status status = running.database->Close(); !status.ok()) {
    logger->error("closing {}: {}", config.data_dir, status.message());
    return 1;
  }
  logger->info("closed {}", config.data_dir);
  return 0;
}

}  // namespace

int RunVarved(const std::vector<std::string>& arguments) {
  const Result<CommandLine> line = ReadCommandLine(arguments);
  if (!line.ok()) {
    std::fprintf(stderr, "varved: %s\n", line.status().message().c_str());
    return 2;
  }
  switch (line->startup) {
    case Startup::kShowHelp:
      std::fputs(HelpText().c_str(), stdout);
      return 0;
    case Startup::kShowVersion:
      std::puts("varved " VARVE_VERSION);
      return 0;
    case Startup::kRun:
      break;
  }
  return Serve(line->config, BlockStopSignals());
}

}  // namespace varve::server
