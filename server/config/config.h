// What varved can be told, by flags and by a YAML file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/http/http_server.h"
#include "varve/options.h"
#include "varve/promql.h"
#include "varve/status.h"

namespace varve::server {

struct Config {
  std::string data_dir = "varve-data";
  std::string listen = "127.0.0.1:4280";
  std::string otlp_grpc = "off";
  std::string otlp_http = "off";
  LogLevel log_level = LogLevel::kInfo;
  Options database;
  std::string retention_rules_text;  // as it was given; parsed in `database`
  std::string downsampling_rules_text;
  promql::EngineOptions query;
  HttpLimits http;
  size_t write_concurrency = 8;
};

// How the program should go on after its command line was read.
enum class Startup { kRun, kShowHelp, kShowVersion };

struct CommandLine {
  Startup startup = Startup::kRun;
  Config config;
};

// Flags over the YAML file that --config names over the defaults. kInvalidArgument names the flag,
// or the file, line and key, and the value; kNotFound when the file is not there. `arguments` is
// without the program's name.
Result<CommandLine> ReadCommandLine(const std::vector<std::string>& arguments);

std::string HelpText();

// Every setting with its value as a flag would give it, in the order of --help.
std::vector<std::pair<std::string, std::string>> EffectiveSettings(const Config& config);

}  // namespace varve::server
