#include "server/config/config.h"

#include <CLI/CLI.hpp>
#include <map>

#include "base/status_macros.h"
#include "server/config/setting.h"
#include "server/config/yaml_file.h"

namespace varve::server {
namespace {

constexpr size_t kHelpWidth = 100;
constexpr size_t kHelpIndent = 6;

// Breaks `text` at spaces so that lines stay within kHelpWidth, each after kHelpIndent spaces.
void AppendWrapped(std::string_view text, std::string* out) {
  size_t column = 0;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? "" : text.substr(space + 1);
    if (column == 0 || column + 1 + word.size() > kHelpWidth) {
      if (column != 0) *out += '\n';
      out->append(kHelpIndent, ' ');
      column = kHelpIndent;
    } else {
      *out += ' ';
      ++column;
    }
    *out += word;
    column += word.size();
  }
  *out += '\n';
}

}  // namespace

Result<CommandLine> ReadCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag("");
  app.allow_windows_style_options(false);
  std::map<const Setting*, std::string> given;
  for (const Setting& setting : Settings()) {
    app.add_option_function<std::string>(
           std::string("--") + setting.name,
           [&given, &setting](const std::string& text) { given[&setting] = text; })
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  std::string yaml_path;
  app.add_option("--config", yaml_path);
  app.add_flag_callback("-h,--help", [&line] { line.startup = Startup::kShowHelp; });
  app.add_flag_callback("--version", [&line] { line.startup = Startup::kShowVersion; });
  try {
    app.parse(
        std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // its order: last first
  } catch (const CLI::Error& error) {
    return InvalidArgumentError(error.what() + std::string("; see varved --help"));
  }
  if (line.startup != Startup::kRun) return line;
  if (!yaml_path.empty()) RETURN_IF_ERROR(ApplyYamlFile(yaml_path, &line.config));
  for (const auto& [setting, text] : given) {
    RETURN_IF_ERROR(setting->set(text, &line.config)
                        .WithContext(std::string("--") + setting->name + ": \"" + text + "\""));
  }
  return line;
}

std::string HelpText() {
  const Config defaults;
  std::string out =
      "varved - the Varve server: Prometheus remote write in, PromQL out.\n\n"
      "Usage: varved [flags]\n\n"
      "Every flag is also a key of the YAML file that --config names, with underscores for dashes\n"
      "(data_dir: /var/lib/varve). A flag beats the file. Durations: 500ms, 30s, 5m, 1h30m, 90d.\n"
      "Bytes: 4096, 64MiB, 1GB.\n";
  std::string_view group;
  for (const Setting& setting : Settings()) {
    if (group != setting.group) {
      group = setting.group;
      out += "\n" + std::string(group) + "\n";
    }
    out += std::string("  --") + setting.name + " " + setting.value + "   [" +
           setting.get(defaults) + "]\n";
    AppendWrapped(setting.help, &out);
  }
  out +=
      "\nOther\n"
      "  --config FILE\n      YAML file of the settings above.\n"
      "  --version\n      Print the version and exit.\n"
      "  -h, --help\n      Print this and exit.\n\n"
      "Signals: SIGTERM and SIGINT finish the requests under way, write a checkpoint and exit 0; "
      "a\n"
      "second one exits at once, and the next start replays the journal.\n";
  return out;
}

std::vector<std::pair<std::string, std::string>> EffectiveSettings(const Config& config) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Setting& setting : Settings())
    settings.emplace_back(setting.name, setting.get(config));
  return settings;
}

}  // namespace varve::server
