#include "server/config/setting.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/config/value_text.h"
#include "varve/promql.h"

namespace varve::server {
namespace {

constexpr std::string_view kForever = "forever";
constexpr std::string_view kOff = "off";
constexpr std::string_view kOn = "on";

Status SetPositiveDuration(std::string_view text, int64_t* duration_ms) {
  ASSIGN_OR_RETURN(const int64_t parsed_ms, ParseDuration(text));
  if (parsed_ms <= 0) return InvalidArgumentError("expected a duration above 0");
  *duration_ms = parsed_ms;
  return OkStatus();
}

template <typename T>
Status SetBytes(std::string_view text, T* bytes) {
  ASSIGN_OR_RETURN(const uint64_t parsed, ParseBytes(text));
  *bytes = static_cast<T>(parsed);
  return OkStatus();
}

template <typename T>
Status SetPositiveBytes(std::string_view text, T* bytes) {
  ASSIGN_OR_RETURN(const uint64_t parsed, ParseBytes(text));
  if (parsed == 0) return InvalidArgumentError("expected a size above 0");
  *bytes = static_cast<T>(parsed);
  return OkStatus();
}

template <typename T>
Status SetCount(std::string_view text, T* count) {
  ASSIGN_OR_RETURN(const uint64_t parsed, ParseCount(text));
  *count = static_cast<T>(parsed);
  return OkStatus();
}

Status SetSwitch(std::string_view text, bool* out) {
  if (text != kOn && text != kOff) return InvalidArgumentError("expected on or off");
  *out = text == kOn;
  return OkStatus();
}

std::string SwitchText(bool value) { return std::string(value ? kOn : kOff); }

Status SetText(std::string_view text, std::string* out) {
  if (text.empty()) return InvalidArgumentError("expected something not empty");
  *out = text;
  return OkStatus();
}

Status SetDurability(std::string_view text, Config* config) {
  if (text == "sync") {
    config->database.durability = Durability::kSync;
  } else if (text == "interval") {
    config->database.durability = Durability::kInterval;
  } else if (text == "none") {
    config->database.durability = Durability::kNone;
  } else {
    return InvalidArgumentError("expected sync, interval or none");
  }
  return OkStatus();
}

std::string DurabilityText(const Config& config) {
  switch (config.database.durability) {
    case Durability::kSync:
      return "sync";
    case Durability::kInterval:
      return "interval";
    case Durability::kNone:
      return "none";
  }
  return "";
}

Status SetRetention(std::string_view text, Config* config) {
  if (text == kForever) {
    config->database.retention_ms = 0;
    return OkStatus();
  }
  if (!SetPositiveDuration(text, &config->database.retention_ms).ok()) {
    return InvalidArgumentError("expected a duration above 0, as in 90d, or forever");
  }
  return OkStatus();
}

std::string RetentionText(const Config& config) {
  if (config.database.retention_ms == 0) return std::string(kForever);
  return DurationText(config.database.retention_ms);
}

Status SetExemplarRetention(std::string_view text, Config* config) {
  if (text == kForever) {
    config->database.exemplar_retention_ms = 0;
    return OkStatus();
  }
  if (!SetPositiveDuration(text, &config->database.exemplar_retention_ms).ok()) {
    return InvalidArgumentError("expected a duration above 0, as in 15d, or forever");
  }
  return OkStatus();
}

Status SetTraceRetention(std::string_view text, Config* config) {
  if (text == kForever) {
    config->database.trace_retention_ms = 0;
    return OkStatus();
  }
  if (!SetPositiveDuration(text, &config->database.trace_retention_ms).ok()) {
    return InvalidArgumentError("expected a duration above 0, as in 15d, or forever");
  }
  return OkStatus();
}

Status SetSpanMetrics(std::string_view text, Config* config) {
  if (text != "on" && text != "off") return InvalidArgumentError("expected on or off");
  config->database.span_metrics = text == "on";
  return OkStatus();
}

std::string ExemplarRetentionText(const Config& config) {
  if (config.database.exemplar_retention_ms == 0) return std::string(kForever);
  return DurationText(config.database.exemplar_retention_ms);
}

std::string TraceRetentionText(const Config& config) {
  if (config.database.trace_retention_ms == 0) return std::string(kForever);
  return DurationText(config.database.trace_retention_ms);
}

// The next rule of a list separated by semicolons outside of quotes, taken off *rest.
std::string_view TakeRule(std::string_view* rest) {
  bool quoted = false;
  size_t i = 0;
  for (; i < rest->size() && (quoted || (*rest)[i] != ';'); ++i) {
    if (quoted && (*rest)[i] == '\\') {
      ++i;
    } else if ((*rest)[i] == '"') {
      quoted = !quoted;
    }
  }
  const std::string_view rule = rest->substr(0, i);
  rest->remove_prefix(std::min(rest->size(), i + 1));
  return rule;
}

std::string_view WithoutSpaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "{matchers}=WHAT".
struct SelectorRule {
  Selector selector;
  std::string_view what;
};

Result<SelectorRule> ParseSelectorRule(std::string_view text, const char* expected) {
  const size_t brace = text.rfind('}');
  const size_t equals = text.find('=', brace == std::string_view::npos ? text.size() : brace);
  if (equals == std::string_view::npos) {
    return InvalidArgumentError("expected {matchers}=" + std::string(expected) + " in \"" +
                                std::string(text) + "\"");
  }
  SelectorRule rule;
  const std::string_view selector = WithoutSpaces(text.substr(0, equals));
  if (selector != "{}") {  // every series
    ASSIGN_OR_RETURN(rule.selector, promql::ParseSelector(selector));
  }
  rule.what = WithoutSpaces(text.substr(equals + 1));
  return rule;
}

Status SetDurationOrForever(std::string_view text, int64_t* ms) {
  *ms = 0;
  return text == kForever ? OkStatus() : SetPositiveDuration(text, ms);
}

// Calls add(rule) for each of the rules separated by semicolons.
template <typename Add>
Status ForEachRule(std::string_view text, const char* expected, Add add) {
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view one = WithoutSpaces(TakeRule(&rest));
    if (one.empty()) continue;
    ASSIGN_OR_RETURN(SelectorRule rule, ParseSelectorRule(one, expected));
    RETURN_IF_ERROR(add(std::move(rule)));
  }
  return OkStatus();
}

Status SetRetentionRules(std::string_view text, Config* config) {
  std::vector<RetentionRule> rules;
  RETURN_IF_ERROR(ForEachRule(text, "DURATION", [&rules](SelectorRule parsed) {
    RetentionRule& rule = rules.emplace_back();
    rule.selector = std::move(parsed.selector);
    return SetDurationOrForever(parsed.what, &rule.retention_ms);
  }));
  config->database.retention_rules = std::move(rules);
  config->retention_rules_text = text;
  return OkStatus();
}

// "5m:7d:1y": resolution, after, retention.
Result<DownsamplingLevel> ParseLevel(std::string_view text) {
  const size_t first = text.find(':');
  const size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) {
    return InvalidArgumentError("expected RESOLUTION:AFTER:RETENTION, as in 5m:7d:1y, in \"" +
                                std::string(text) + "\"");
  }
  DownsamplingLevel level;
  RETURN_IF_ERROR(SetPositiveDuration(text.substr(0, first), &level.resolution_ms));
  RETURN_IF_ERROR(SetPositiveDuration(text.substr(first + 1, second - first - 1), &level.after_ms));
  RETURN_IF_ERROR(SetDurationOrForever(text.substr(second + 1), &level.retention_ms));
  return level;
}

Status SetDownsamplingRules(std::string_view text, Config* config) {
  std::vector<DownsamplingRule> rules;
  RETURN_IF_ERROR(
      ForEachRule(text, "RESOLUTION:AFTER:RETENTION,...", [&rules](SelectorRule parsed) -> Status {
        DownsamplingRule& rule = rules.emplace_back();
        rule.selector = std::move(parsed.selector);
        for (std::string_view rest = parsed.what;;) {
          const size_t comma = rest.find(',');
          ASSIGN_OR_RETURN(const DownsamplingLevel level,
                           ParseLevel(WithoutSpaces(rest.substr(0, comma))));
          rule.levels.push_back(level);
          if (comma == std::string_view::npos) return OkStatus();
          rest.remove_prefix(comma + 1);
        }
      }));
  config->database.downsampling_rules = std::move(rules);
  config->downsampling_rules_text = text;
  return OkStatus();
}

// "on" is the port that OpenTelemetry assigns, on loopback.
Status SetOtlpListener(std::string_view text, const char* assigned, std::string* address) {
  if (text == "on") text = assigned;
  if (text != kOff && text.find(':') == std::string_view::npos) {
    return InvalidArgumentError("expected on, off or host:port");
  }
  return SetText(text, address);
}

struct LogLevelName {
  std::string_view name;
  LogLevel level;
};
constexpr LogLevelName kLogLevels[] = {{"debug", LogLevel::kDebug},
                                       {"info", LogLevel::kInfo},
                                       {"warning", LogLevel::kWarning},
                                       {"error", LogLevel::kError}};

Status SetLogLevel(std::string_view text, Config* config) {
  for (const LogLevelName& entry : kLogLevels) {
    if (entry.name != text) continue;
    config->log_level = entry.level;
    return OkStatus();
  }
  return InvalidArgumentError("expected debug, info, warning or error");
}

std::string LogLevelText(const Config& config) {
  for (const LogLevelName& entry : kLogLevels) {
    if (entry.level == config.log_level) return std::string(entry.name);
  }
  return "";
}

// The body limit bounds the decompressed size too, whose offsets are 32 bits wide.
constexpr uint64_t kBodyBytesLimit = uint64_t{1} << 31;

Status SetBodyBytesMax(std::string_view text, Config* config) {
  uint64_t bytes = 0;
  RETURN_IF_ERROR(SetBytes(text, &bytes));
  if (bytes == 0 || bytes > kBodyBytesLimit) {
    return InvalidArgumentError("expected bytes above 0 and up to 2GiB");
  }
  config->http.body_bytes_max = bytes;
  config->http.body_bytes_total_max = std::max(HttpLimits().body_bytes_total_max, 2 * bytes);
  return OkStatus();
}

#define VARVE_SET(expression) [](std::string_view text, Config* c) -> Status { return expression; }
#define VARVE_GET(expression) [](const Config& c) -> std::string { return expression; }

constexpr Setting kSettings[] = {
    {"data-dir", "Storage", "DIR", "Where the database lives; created if it is not there.",
     VARVE_SET(SetText(text, &c->data_dir)), VARVE_GET(c.data_dir)},
    {"durability", "Storage", "MODE",
     "What an acknowledged write has survived. sync: kill -9 and power loss; interval: kill -9, "
     "and "
     "power loss but for the last --durability-interval; none: kill -9.",
     SetDurability, DurabilityText},
    {"durability-interval", "Storage", "DURATION", "Time between syncs with --durability interval.",
     VARVE_SET(SetPositiveDuration(text, &c->database.durability_interval_ms)),
     VARVE_GET(DurationText(c.database.durability_interval_ms))},
    {"retention", "Storage", "DURATION|forever",
     "Samples older than this are refused and dropped. With forever, samples from Unix time 0 on "
     "are taken.",
     SetRetention, RetentionText},
    {"retention-rules", "Storage", "RULES",
     "Other retentions for some series: {matchers}=DURATION|forever, several separated by ';'. The "
     "first whose matchers select a series decides.",
     SetRetentionRules, VARVE_GET(c.retention_rules_text)},
    {"downsample", "Storage", "RULES",
     "Rollups of some series: {matchers}=RESOLUTION:AFTER:RETENTION,..., several separated by ';', "
     "as in {}=5m:7d:1y,1h:30d:5y. The first whose matchers select a series decides. Raw samples "
     "keep their own retention.",
     SetDownsamplingRules, VARVE_GET(c.downsampling_rules_text)},
    {"retention-size", "Storage", "BYTES",
     "When the parts on disk are larger, the oldest go, whatever their age. 0: no limit.",
     VARVE_SET(SetBytes(text, &c->database.part_bytes_max)),
     VARVE_GET(BytesText(c.database.part_bytes_max))},
    {"exemplar-retention", "Storage", "DURATION|forever",
     "Exemplars older than this are refused and dropped.", SetExemplarRetention,
     ExemplarRetentionText},
    {"trace-retention", "Storage", "DURATION|forever",
     "Spans that start before it are refused and dropped; \"forever\" keeps all.",
     SetTraceRetention, TraceRetentionText},
    {"span-metrics", "Storage", "on|off",
     "Count spans and calls between services as series (traces_spanmetrics_*, "
     "traces_service_graph_*).",
     SetSpanMetrics, VARVE_GET(c.database.span_metrics ? "on" : "off")},
    {"span-metrics-slack", "Storage", "DURATION",
     "Spans that started longer before their arrival are stored but not counted.",
     VARVE_SET(SetPositiveDuration(text, &c->database.span_metrics_slack_ms)),
     VARVE_GET(DurationText(c.database.span_metrics_slack_ms))},
    {"span-metrics-max-series", "Storage", "COUNT",
     "Combinations of labels in span metrics; what comes beyond is counted as overflow=\"true\".",
     VARVE_SET(SetCount(text, &c->database.span_metrics_series_max)),
     VARVE_GET(std::to_string(c.database.span_metrics_series_max))},
    {"out-of-order-window", "Storage", "DURATION",
     "Samples of any age are stored; one that is further behind its series' newest sample than "
     "this is counted as backfill.",
     VARVE_SET(SetPositiveDuration(text, &c->database.out_of_order_window_ms)),
     VARVE_GET(DurationText(c.database.out_of_order_window_ms))},
    {"free-disk-floor", "Storage", "BYTES",
     "With less free disk than this, writes are answered 507 and queries go on.",
     VARVE_SET(SetBytes(text, &c->database.free_disk_bytes_min)),
     VARVE_GET(BytesText(c.database.free_disk_bytes_min))},
    {"head-memory", "Memory", "BYTES",
     "Memory for samples not yet in parts; reaching it starts a flush, exceeding it by half "
     "answers "
     "429 until the flush has caught up.",
     VARVE_SET(SetPositiveBytes(text, &c->database.head_bytes_max)),
     VARVE_GET(BytesText(c.database.head_bytes_max))},
    {"cache-memory", "Memory", "BYTES", "Memory for blocks read from disk.",
     VARVE_SET(SetBytes(text, &c->database.storage_cache_bytes)),
     VARVE_GET(BytesText(c.database.storage_cache_bytes))},
    {"trace-cache-memory", "Memory", "BYTES",
     "Memory for columns of spans that queries decoded, for later queries.",
     VARVE_SET(SetBytes(text, &c->database.trace_cache_bytes)),
     VARVE_GET(BytesText(c.database.trace_cache_bytes))},
    {"max-series", "Memory", "COUNT", "Series in memory; samples of more are refused by name.",
     VARVE_SET(SetCount(text, &c->database.series_count_max)),
     VARVE_GET(std::to_string(c.database.series_count_max))},
    {"listen", "Network", "HOST:PORT",
     "Address of the HTTP API. Port 0 takes any free one; no host means every interface.",
     VARVE_SET(SetText(text, &c->listen)), VARVE_GET(c.listen)},
    {"otlp-grpc", "Network", "HOST:PORT|on|off", "Address for OTLP over gRPC; on: 127.0.0.1:4317.",
     VARVE_SET(SetOtlpListener(text, "127.0.0.1:4317", &c->otlp_grpc)), VARVE_GET(c.otlp_grpc)},
    {"otlp-http", "Network", "HOST:PORT|on|off",
     "A second address for HTTP, where senders of OTLP look for it; on: 127.0.0.1:4318.",
     VARVE_SET(SetOtlpListener(text, "127.0.0.1:4318", &c->otlp_http)), VARVE_GET(c.otlp_http)},
    {"max-connections", "Network", "COUNT", "Open connections; more are answered 503.",
     VARVE_SET(SetCount(text, &c->http.connection_count_max)),
     VARVE_GET(std::to_string(c.http.connection_count_max))},
    {"max-body-bytes", "Network", "BYTES",
     "Size of a request's body, and of a remote write body decompressed; more is answered 413.",
     SetBodyBytesMax, VARVE_GET(BytesText(c.http.body_bytes_max))},
    {"idle-timeout", "Network", "DURATION", "A connection without a request is closed after it.",
     VARVE_SET(SetPositiveDuration(text, &c->http.idle_timeout_ms)),
     VARVE_GET(DurationText(c.http.idle_timeout_ms))},
    {"header-timeout", "Network", "DURATION", "A request's header has to arrive within it.",
     VARVE_SET(SetPositiveDuration(text, &c->http.header_timeout_ms)),
     VARVE_GET(DurationText(c.http.header_timeout_ms))},
    {"body-timeout", "Network", "DURATION",
     "A request's body has to arrive within it, and a second more for every 64KiB.",
     VARVE_SET(SetPositiveDuration(text, &c->http.body_timeout_ms)),
     VARVE_GET(DurationText(c.http.body_timeout_ms))},
    {"write-concurrency", "Network", "COUNT",
     "Remote write requests worked on at once; requests that wait for the disk together share a "
     "sync.",
     VARVE_SET(SetCount(text, &c->write_concurrency)),
     VARVE_GET(std::to_string(c.write_concurrency))},
    {"query-timeout", "Queries", "DURATION", "A query is ended after it.",
     VARVE_SET(SetPositiveDuration(text, &c->query.timeout_ms)),
     VARVE_GET(DurationText(c.query.timeout_ms))},
    {"query-max-samples", "Queries", "COUNT", "Samples that one query may hold in memory at once.",
     VARVE_SET(SetCount(text, &c->query.samples_max)),
     VARVE_GET(std::to_string(c.query.samples_max))},
    {"query-memory", "Queries", "BYTES", "Memory of one query.",
     VARVE_SET(SetBytes(text, &c->query.bytes_max)), VARVE_GET(BytesText(c.query.bytes_max))},
    {"query-concurrency", "Queries", "COUNT", "Queries at once; more wait for their turn.",
     VARVE_SET(SetCount(text, &c->query.concurrency_max)),
     VARVE_GET(std::to_string(c.query.concurrency_max))},
    {"query-lookback", "Queries", "DURATION", "How long a sample stands for its series.",
     VARVE_SET(SetPositiveDuration(text, &c->query.lookback_ms)),
     VARVE_GET(DurationText(c.query.lookback_ms))},
    {"promql-delayed-name-removal", "Queries", "on|off",
     "Metric names fall at the end of a query, so that what lies between may use them.",
     VARVE_SET(SetSwitch(text, &c->query.delayed_name_removal)),
     VARVE_GET(SwitchText(c.query.delayed_name_removal))},
    {"promql-start-timestamps", "Queries", "on|off",
     "rate, increase, irate and resets heed the start timestamps of samples; start_timestamp().",
     VARVE_SET(SetSwitch(text, &c->query.use_start_timestamps)),
     VARVE_GET(SwitchText(c.query.use_start_timestamps))},
    {"promql-type-unit-labels", "Queries", "on|off",
     "__type__ and __unit__ fall wherever the metric name does.",
     VARVE_SET(SetSwitch(text, &c->query.type_and_unit_labels)),
     VARVE_GET(SwitchText(c.query.type_and_unit_labels))},
    {"query-cache", "Queries", "BYTES",
     "Memory for results of past steps, which are dropped as soon as a write could change them; 0: "
     "off.",
     VARVE_SET(SetBytes(text, &c->query.cache_bytes)), VARVE_GET(BytesText(c.query.cache_bytes))},
    {"log-level", "Logging", "LEVEL", "debug, info, warning or error; the log goes to stderr.",
     SetLogLevel, LogLevelText},
};

#undef VARVE_SET
#undef VARVE_GET

}  // namespace

std::span<const Setting> Settings() { return kSettings; }

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

}  // namespace varve::server
