// The one table of settings: flags, YAML keys, --help and /api/v1/status/flags all come from it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/config/config.h"
#include "varve/status.h"

namespace varve::server {

struct Setting {
  const char* name;   // of the flag, without dashes; the YAML key has underscores instead
  const char* group;  // heading in --help
  const char* value;  // what kind of value, for --help
  const char* help;
  // kInvalidArgument says what would be right; the caller adds where the value stood and what it
  // was.
  Status (*set)(std::string_view text, Config* config);
  std::string (*get)(const Config& config);
};

std::span<const Setting> Settings();
// nullptr when there is none of that name.
const Setting* FindSetting(std::string_view name);

}  // namespace varve::server
