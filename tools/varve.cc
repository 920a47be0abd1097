// varve: questions to a database from the command line.
#include <CLI/CLI.hpp>
#include <string>

#include "tools/admin_commands.h"
#include "tools/query_command.h"
#include "tools/stats_command.h"

namespace {

CLI::App* AddQuery(CLI::App* app, varve::tools::QueryCommand* command) {
  CLI::App* query = app->add_subcommand("query", "Evaluate a PromQL expression");
  query->add_option("expression", command->expression, "The PromQL expression")->required();
  auto* source = query->add_option_group("source", "Where the data is");
  source->add_option("--data-dir", command->data_dir, "A database no server has open");
  source->add_option("--server", command->server,
                     "A running server, as in http://127.0.0.1:4280; prints its JSON answer");
  source->require_option(1);
  auto* time = query->add_option("--time", command->time,
                                 "Instant query at this time (Unix seconds or RFC 3339); now");
  auto* start = query->add_option("--start", command->start, "Range query from this time");
  auto* end = query->add_option("--end", command->end, "to this time");
  auto* step = query->add_option("--step", command->step, "in steps of this (seconds or 1m)");
  start->needs(end)->needs(step)->excludes(time);
  end->needs(start);
  step->needs(start);
  query->add_flag_callback(
      "--json", [command] { command->output = varve::tools::QueryCommand::Output::kJson; },
      "Print the HTTP API's JSON instead of a table");
  return query;
}

// --data-dir and --server, of which one must be given.
void AddTarget(CLI::App* command, varve::tools::Target* target) {
  auto* group = command->add_option_group("database", "Where the database is");
  group->add_option("--data-dir", target->data_dir, "A database no server has open");
  group->add_option("--server", target->server,
                    "A running server, as in http://127.0.0.1:4280; prints its JSON answer");
  group->require_option(1);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("varve: questions to a Varve database", "varve");
  app.require_subcommand(1);
  app.set_version_flag("--version", "varve " VARVE_VERSION);
  varve::tools::QueryCommand command;
  const CLI::App* query = AddQuery(&app, &command);
  std::string stats_dir;
  CLI::App* stats = app.add_subcommand("stats", "What a database holds");
  stats->add_option("--data-dir", stats_dir, "A database no server has open")->required();
  varve::tools::Target target;
  CLI::App* compact = app.add_subcommand(
      "compact", "Write the head into parts and merge whatever there is to merge");
  AddTarget(compact, &target);
  CLI11_PARSE(app, argc, argv);
  if (compact->parsed()) return varve::tools::RunCompact(target);
  return query->parsed() ? varve::tools::RunQuery(command) : varve::tools::RunStats(stats_dir);
}
