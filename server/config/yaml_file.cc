#include "server/config/yaml_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/status_macros.h"
#include "server/config/setting.h"

namespace varve::server {
namespace {

std::string Where(const std::string& path, const YAML::Mark& mark) {
  return path + ":" + std::to_string(mark.line + 1) + ": ";
}

Status ApplyEntry(const std::string& path, const YAML::Node& key_node, const YAML::Node& value_node,
                  std::set<std::string>* seen, Config* config) {
  const std::string where = Where(path, key_node.Mark());
  if (!key_node.IsScalar()) return InvalidArgumentError(where + "a key must be a name");
  const std::string key = key_node.Scalar();
  std::string name = key;
  std::replace(name.begin(), name.end(), '_', '-');
  const Setting* setting = key.find('-') == std::string::npos ? FindSetting(name) : nullptr;
  if (setting == nullptr) {
    return InvalidArgumentError(where + "unknown key \"" + key +
                                "\"; the keys are the flags of --help with underscores");
  }
  if (!seen->insert(key).second) {
    return InvalidArgumentError(where + "the key \"" + key + "\" stands twice");
  }
  if (!value_node.IsScalar()) {
    return InvalidArgumentError(where + key + ": expected one value, not a list or a mapping");
  }
  return setting->set(value_node.Scalar(), config)
      .WithContext(where + key + ": \"" + value_node.Scalar() + "\"");
}

Status ApplyDocument(const std::string& path, const std::string& text, Config* config) {
  const YAML::Node document = YAML::Load(text);
  if (document.IsNull()) return OkStatus();
  if (!document.IsMap()) {
    return InvalidArgumentError(Where(path, document.Mark()) +
                                "expected settings, one \"key: value\" a line");
  }
  std::set<std::string> seen;
  for (const auto& entry : document) {
    RETURN_IF_ERROR(ApplyEntry(path, entry.first, entry.second, &seen, config));
  }
  return OkStatus();
}

}  // namespace

Status ApplyYamlFile(const std::string& path, Config* config) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf() || file.peek() == std::ifstream::traits_type::eof())) {
    return NotFoundError("cannot read the configuration file \"" + path + "\"");
  }
  try {
    return ApplyDocument(path, text.str(), config);
  } catch (const YAML::Exception& error) {
    return InvalidArgumentError(Where(path, error.mark) + error.msg);
  }
}

}  // namespace varve::server
