#include "server/tempo/tempo_parameters.h"

#include <charconv>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

constexpr uint64_t kNsPerHour = 3'600'000'000'000;

Status Invalid(std::string_view name, std::string_view value, std::string_view why) {
  return InvalidArgumentError("invalid " + std::string(name) + " \"" + std::string(value) +
                              "\": " + std::string(why));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<uint64_t> TimeOf(const Form& form, std::string_view name) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return uint64_t{0};
  Result<uint64_t> time_ns = ParseTimeNs(text);
  if (!time_ns.ok()) return Invalid(name, text, time_ns.status().message());
  return time_ns;
}

// logfmt: key=value key="quoted value" key
Result<std::vector<std::pair<std::string, std::string>>> ParseLogfmt(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::set<std::string> seen;
  size_t at = 0;
  while (true) {
    while (at < text.size() && text[at] <= ' ') ++at;
    if (at == text.size()) return pairs;
    const size_t begin = at;
    while (at < text.size() && text[at] > ' ' && text[at] != '=' && text[at] != '"') ++at;
    std::string key(text.substr(begin, at - begin));
    if (key.empty() || (at < text.size() && text[at] == '"')) {
      return Invalid("tags", text, "unexpected character at pos " + std::to_string(at + 1));
    }
    std::string value;
    if (at < text.size() && text[at] == '=') {
      ++at;
      if (at < text.size() && text[at] == '"') {
        for (++at; at < text.size() && text[at] != '"'; ++at) {
          if (text[at] == '\\' && at + 1 < text.size()) ++at;
          value += text[at];
        }
        if (at == text.size()) return Invalid("tags", text, "a quoted value without an end");
        ++at;
      } else {
        while (at < text.size() && text[at] > ' ') value += text[at++];
      }
    }
    if (!seen.insert(key).second) return Invalid("tags", text, "tag " + key + " is set twice");
    pairs.emplace_back(std::move(key), std::move(value));
  }
}

bool IsNumber(std::string_view text) {
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && at == text.data() + text.size() && std::isfinite(value) &&
         text.find_first_not_of("0123456789.-") == std::string_view::npos;
}

std::string QuoteRegex(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

}  // namespace

Result<std::string> ParseTraceId(std::string_view text) {
  if (text.empty() || text.size() > 32) {
    return Invalid("trace ID", text, "expected 1 to 32 hexadecimal digits");
  }
  std::string digits(32 - text.size(), '0');
  digits += text;
  std::string id;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = HexDigit(digits[i]);
    const int low = HexDigit(digits[i + 1]);
    if (high < 0 || low < 0) {
      return Invalid("trace ID", text, "expected 1 to 32 hexadecimal digits");
    }
    id += static_cast<char>(high << 4 | low);
  }
  return id;
}

Result<uint64_t> ParseDurationNs(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1},  {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},
      {"s", 1e9}, {"m", 60e9}, {"h", 3600e9},      {"d", 86400e9},     {"w", 604800e9},
  };
  const Status invalid = InvalidArgumentError(
      "\"" + std::string(text) + "\" is no duration: expected one such as 1.5s, 100ms or 1h30m");
  double total = 0;
  for (std::string_view rest = text; !rest.empty() || text.empty();) {
    double count = 0;
    const auto [at, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), count, std::chars_format::fixed);
    if (error != std::errc() || !(count >= 0)) return invalid;
    rest.remove_prefix(static_cast<size_t>(at - rest.data()));
    if (rest.empty() && total == 0) {  // a number alone
      total = count * 1e9;
      break;
    }
    bool found = false;
    for (const auto& [name, ns] : kUnits) {
      if (!rest.starts_with(name)) continue;
      total += count * ns;
      rest.remove_prefix(name.size());
      found = true;
      break;
    }
    if (!found) return invalid;
  }
  constexpr double kMax = 9.2e18;
  if (!(total < kMax)) return invalid;
  return static_cast<uint64_t>(std::llround(total));
}

Result<NsRange> NsRangeParameters(const Form& form) {
  NsRange range;
  ASSIGN_OR_RETURN(range.start_ns, TimeOf(form, "start"));
  ASSIGN_OR_RETURN(range.end_ns, TimeOf(form, "end"));
  if (range.end_ns != 0 && range.end_ns <= range.start_ns) {
    return InvalidArgumentError("http parameter start must be before end. received start=" +
                                std::string(form.Get("start")) +
                                " end=" + std::string(form.Get("end")));
  }
  return range;
}

Result<NsRange> MetricsRangeParameters(const Form& form, int64_t now_ms) {
  ASSIGN_OR_RETURN(NsRange range, NsRangeParameters(form));
  if (range.end_ns == 0) range.end_ns = static_cast<uint64_t>(now_ms) * 1'000'000;
  if (range.start_ns == 0) {
    uint64_t since_ns = kNsPerHour;
    if (const std::string_view since = form.Get("since"); !since.empty()) {
      const Result<uint64_t> parsed = ParseDurationNs(since);
      if (!parsed.ok()) return Invalid("since", since, parsed.status().message());
      since_ns = *parsed;
    }
    range.start_ns = range.end_ns > since_ns ? range.end_ns - since_ns : 0;
  }
  if (range.end_ns <= range.start_ns) {
    return Invalid("end", form.Get("end"), "it is not after start");
  }
  return range;
}

std::string TraceQlString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string TagAttribute(std::string_view tag) {
  static constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
      {"name", "name"},
      {"kind", "kind"},
      {"status", "status"},
      {"status.code", "status"},
      {"root.name", "trace:rootName"},
      {"root.service.name", "trace:rootService"},
  };
  for (const auto& [name, attribute] : kKnown) {
    if (tag == name) return std::string(attribute);
  }
  return "." + TraceQlString(tag);
}

std::string TagCondition(std::string_view tag, std::string_view value) {
  if (tag == "error" && value == "true") return "status = error";
  const std::string attribute = TagAttribute(tag);
  if (attribute == "status" || attribute == "kind") {
    std::string keyword(value);
    for (char& c : keyword) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    static constexpr std::string_view kKeywords[] = {"ok",          "error",    "unset",
                                                     "unspecified", "internal", "server",
                                                     "client",      "producer", "consumer"};
    for (const std::string_view known : kKeywords) {
      if (keyword == known) return attribute + " = " + keyword;
    }
    return "false";
  }
  std::string condition = attribute + " =~ " + TraceQlString("(?s).*" + QuoteRegex(value) + ".*");
  if (IsNumber(value)) condition += " || " + attribute + " = " + std::string(value);
  if (value == "true" || value == "false") {
    condition += " || " + attribute + " = " + std::string(value);
  }
  return "(" + condition + ")";
}

Result<std::string> TagsQuery(const Form& form) {
  std::string query;
  const auto add = [&](const std::string& condition) {
    query += (query.empty() ? "" : " && ") + condition;
  };
  ASSIGN_OR_RETURN(const auto tags, ParseLogfmt(form.Get("tags")));
  for (const auto& [tag, value] : tags) add(TagCondition(tag, value));
  static constexpr std::pair<std::string_view, std::string_view> kLimits[] = {
      {"minDuration", "trace:duration >= "}, {"maxDuration", "trace:duration <= "}};
  for (const auto& [name, comparison] : kLimits) {
    const std::string_view text = form.Get(name);
    if (text.empty()) continue;
    const Result<uint64_t> duration_ns = ParseDurationNs(text);
    if (!duration_ns.ok()) return Invalid(name, text, duration_ns.status().message());
    add(std::string(comparison) + std::to_string(*duration_ns) + "ns");
  }
  return "{ " + query + " }";
}

}  // namespace varve::server
