// varve: questions to a database from the command line.
#include <CLI/CLI.hpp>
#include <string>

#include "tools/admin_commands.h"
#include "tools/backup_commands.h"
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

void AddBackups(CLI::App* app, varve::tools::BackupCommand* backup,
                varve::tools::RestoreCommand* restore, int* exit_status) {
  CLI::App* add = app->add_subcommand("backup", "Add a database to a backup directory");
  add->add_option("--data-dir", backup->data_dir, "The database")->required();
  add->add_option("--server", backup->server, "The server that has it open, if one has");
  add->add_option("--to", backup->to, "The backup directory; created if it is not there")
      ->required();
  add->add_option("--keep", backup->keep, "Keep the newest so many backups; else all")
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}));
  add->callback([=] { *exit_status = varve::tools::RunBackup(*backup); });

  CLI::App* list = app->add_subcommand("backups", "List the backups of a backup directory");
  list->add_option("directory", backup->to, "The backup directory")->required();
  list->callback([=] { *exit_status = varve::tools::RunBackups(backup->to); });

  CLI::App* back = app->add_subcommand("restore", "Make a database of a backup");
  back->add_option("--from", restore->from, "The backup directory")->required();
  back->add_option("--backup", restore->name, "Which, as `varve backups` names it; the newest");
  back->add_option("--to", restore->to, "An empty directory, or none")->required();
  back->callback([=] { *exit_status = varve::tools::RunRestore(*restore); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("varve: questions to a Varve database, and its upkeep", "varve");
  app.require_subcommand(1);
  app.set_version_flag("--version", "varve " VARVE_VERSION);
  int exit_status = 0;
  varve::tools::QueryCommand query;
  AddQuery(&app, &query)->callback([&] { exit_status = varve::tools::RunQuery(query); });

  std::string stats_dir;
  CLI::App* stats = app.add_subcommand("stats", "What a database holds");
  stats->add_option("--data-dir", stats_dir, "A database no server has open")->required();
  stats->callback([&] { exit_status = varve::tools::RunStats(stats_dir); });

  varve::tools::Target target;
  CLI::App* compact = app.add_subcommand(
      "compact", "Write the head into parts and merge whatever there is to merge");
  AddTarget(compact, &target);
  compact->callback([&] { exit_status = varve::tools::RunCompact(target); });

  varve::tools::Output verify_output = varve::tools::Output::kText;
  CLI::App* verify = app.add_subcommand(
      "verify", "Check everything on disk. Exit status: 0 sound, 1 faults, 2 could not look");
  AddTarget(verify, &target);
  verify->add_flag_callback("--json", [&] { verify_output = varve::tools::Output::kJson; });
  verify->callback([&] { exit_status = varve::tools::RunVerify(target, verify_output); });

  varve::tools::Output repair_output = varve::tools::Output::kText;
  CLI::App* repair = app.add_subcommand(
      "repair",
      "Set damaged files aside and keep what can be read of them. Exit status: 0 nothing was lost, "
      "1 something was (it is listed), 2 could not look");
  AddTarget(repair, &target);
  repair->add_flag_callback("--json", [&] { repair_output = varve::tools::Output::kJson; });
  repair->callback([&] { exit_status = varve::tools::RunRepair(target, repair_output); });

  std::string inspect_directory;
  size_t inspect_limit = 10;
  CLI::App* inspect =
      app.add_subcommand("inspect", "List the parts on disk and the labels that make most series");
  inspect->add_option("--data-dir", inspect_directory, "A database no server has open")->required();
  inspect->add_option("--limit", inspect_limit, "So many labels of each list")
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}));
  inspect->callback(
      [&] { exit_status = varve::tools::RunInspect(inspect_directory, inspect_limit); });

  std::string server;
  CLI::App* retention = app.add_subcommand("retention", "What a server's retention would drop now");
  retention->add_option("--server", server, "A running server")->required();
  std::string retention_at;
  retention->add_option("--at", retention_at, "Not now, but then (RFC 3339 or Unix seconds)");
  retention->callback([&] { exit_status = varve::tools::RunRetention(server, retention_at); });
  CLI::App* snapshot = app.add_subcommand(
      "snapshot", "Make a snapshot under the server's data directory; prints its name");
  snapshot->add_option("--server", server, "A running server")->required();
  snapshot->callback([&] { exit_status = varve::tools::RunSnapshot(server); });

  varve::tools::BackupCommand backup;
  varve::tools::RestoreCommand restore;
  AddBackups(&app, &backup, &restore, &exit_status);
  CLI11_PARSE(app, argc, argv);
  return exit_status;
}
