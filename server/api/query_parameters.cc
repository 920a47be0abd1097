#include "server/api/query_parameters.h"

#include <string>

#include "base/status_macros.h"
#include "server/api/parameters.h"

namespace varve::server {
namespace {

// As in Prometheus: a minute's steps over a week, or an hour's over a year, and what a screen can
// show.
constexpr uint64_t kRangePointsMax = 11'000;

Result<int64_t> RequiredTime(const Form& form, std::string_view name) {
  if (!form.Get(name).empty()) return TimeParameter(form, name, 0);
  return InvalidArgumentError("invalid parameter \"" + std::string(name) +
                              "\": cannot parse \"\" to a valid timestamp");
}

}  // namespace

Result<QueryParameters> ReadQueryParameters(const Form& form, const Request& request) {
  QueryParameters parameters;
  parameters.expression = form.Get("query");
  ASSIGN_OR_RETURN(parameters.limit, CountParameter(form, "limit", 0));
  ASSIGN_OR_RETURN(parameters.options.timeout_ms, DurationParameter(form, "timeout", 0));
  if (const std::string_view lookback = form.Get("lookback_delta"); !lookback.empty()) {
    Result<int64_t> lookback_ms = ParseDurationOrSecondsMs(lookback);
    if (!lookback_ms.ok()) {
      return lookback_ms.status().WithContext("error parsing lookback delta duration");
    }
    parameters.options.lookback_ms = *lookback_ms;
  }
  if (parameters.options.timeout_ms < 0 || parameters.options.lookback_ms < 0) {
    return InvalidArgumentError("timeout and lookback_delta must not be negative");
  }
  if (const std::string_view stats = form.Get("stats"); !stats.empty()) {
    const bool per_step = stats == "all";
    parameters.statistics =
        per_step ? QueryParameters::Statistics::kPerStep : QueryParameters::Statistics::kTotals;
    parameters.options.per_step_statistics = per_step;
  }
  parameters.options.stop = request.stop;
  return parameters;
}

Result<RangeParameters> ReadRangeParameters(const Form& form) {
  RangeParameters range;
  ASSIGN_OR_RETURN(range.start_ms, RequiredTime(form, "start"));
  ASSIGN_OR_RETURN(range.end_ms, RequiredTime(form, "end"));
  if (range.end_ms < range.start_ms) {
    return InvalidArgumentError(
        "invalid parameter \"end\": end timestamp must not be before start time");
  }
  if (form.Get("step").empty()) {
    return InvalidArgumentError(
        "invalid parameter \"step\": cannot parse \"\" to a valid duration");
  }
  ASSIGN_OR_RETURN(range.step_ms, DurationParameter(form, "step", 0));
  if (range.step_ms <= 0) {
    return InvalidArgumentError(
        "invalid parameter \"step\": zero or negative query resolution step widths are not "
        "accepted. Try a positive integer");
  }
  const uint64_t span_ms =
      static_cast<uint64_t>(range.end_ms) - static_cast<uint64_t>(range.start_ms);
  if (span_ms / static_cast<uint64_t>(range.step_ms) > kRangePointsMax) {
    return InvalidArgumentError(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return range;
}

}  // namespace varve::server
