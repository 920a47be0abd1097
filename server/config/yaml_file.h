// The YAML configuration file: one mapping of settings to values.
#pragma once

#include <string>

#include "server/config/config.h"
#include "varve/status.h"

namespace varve::server {

// Sets in `config` what the file at `path` says. kNotFound when it cannot be opened;
// kInvalidArgument with the file, line, key and value for anything wrong in it: no YAML, an unknown
// or repeated key, a bad value.
Status ApplyYamlFile(const std::string& path, Config* config);

}  // namespace varve::server
