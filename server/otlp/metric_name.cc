#include "server/otlp/metric_name.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace varve::server {
namespace {

using UnitName = std::pair<std::string_view, std::string_view>;

// UCUM codes that have a name of their own among Prometheus' base units and their like.
constexpr UnitName kUnits[] = {
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
};
constexpr UnitName kPerUnits[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
    {"w", "week"},   {"mo", "month"}, {"y", "year"},
};

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::vector<std::string> Tokens(std::string_view text, bool with_colons) {
  std::vector<std::string> tokens;
  bool is_inside = false;
  for (const char c : text) {
    const bool belongs = IsAlphanumeric(c) || (with_colons && c == ':');
    if (belongs && !is_inside) tokens.emplace_back();
    if (belongs) tokens.back() += c;
    is_inside = belongs;
  }
  return tokens;
}

std::string Joined(std::span<const std::string> tokens) {
  std::string text;
  for (const std::string& token : tokens) {
    if (!text.empty()) text += '_';
    text += token;
  }
  return text;
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The words that a unit adds, joined by underscores.
std::string UnitWords(std::string_view unit, std::span<const UnitName> names) {
  unit = Trimmed(unit);
  if (unit.find_first_of("{}") != std::string_view::npos) return {};
  for (const auto& [code, name] : names) {
    if (code == unit) return std::string(name);
  }
  return Joined(Tokens(unit, false));
}

bool Contains(const std::vector<std::string>& tokens, std::string_view token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

void MoveToEnd(std::string_view token, std::vector<std::string>* tokens) {
  std::erase(*tokens, token);
  tokens->emplace_back(token);
}

}  // namespace

std::string PrometheusMetricName(std::string_view name, std::string_view unit,
                                 OtlpMetricKind kind) {
  std::vector<std::string> tokens = Tokens(name, true);
  if (tokens.empty()) return {};
  const size_t slash = unit.find('/');
  const std::string main = UnitWords(unit.substr(0, slash), kUnits);
  if (!main.empty() && !Contains(tokens, main)) tokens.push_back(main);
  if (slash != std::string_view::npos) {
    const std::string per = UnitWords(unit.substr(slash + 1), kPerUnits);
    if (!per.empty() && !Contains(tokens, per)) {
      tokens.emplace_back("per");
      tokens.push_back(per);
    }
  }
  if (kind == OtlpMetricKind::kMonotonicSum) MoveToEnd("total", &tokens);
  if (kind == OtlpMetricKind::kGauge && unit == "1") MoveToEnd("ratio", &tokens);
  std::string text = Joined(tokens);
  if (IsDigit(text.front())) text.insert(text.begin(), '_');
  return text;
}

std::string PrometheusLabelName(std::string_view key) {
  std::string name;
  for (size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    // A character of several bytes becomes one underscore.
    if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;
    name += IsAlphanumeric(c) ? c : '_';
  }
  if (name.empty()) return name;
  if (IsDigit(name[0])) return "key_" + name;
  if (name[0] == '_' && !(name.size() > 1 && name[1] == '_')) return "key" + name;
  return name;
}

}  // namespace varve::server
