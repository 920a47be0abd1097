// Parameters of Tempo's HTTP API: their syntax and defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/form.h"
#include "varve/status.h"

namespace varve::server {

// A trace id of up to 32 hexadecimal digits as 16 bytes, zeros before it.
Result<std::string> ParseTraceId(std::string_view text);

// A Go duration ("1.5s", "1h30m") or decimal seconds.
Result<uint64_t> ParseDurationNs(std::string_view text);

struct NsRange {
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;  // 0, 0: all of time
};
// start and end, of which neither needs be there. kInvalidArgument when the end is before the
// start.
Result<NsRange> NsRangeParameters(const Form& form);
// start and end, or since; the last hour by default.
Result<NsRange> MetricsRangeParameters(const Form& form, int64_t now_ms);

// The query that the older parameters tags (logfmt), minDuration and maxDuration stand for: of
// tags, a value has the given one somewhere in it, or is a number or boolean that equals it.
Result<std::string> TagsQuery(const Form& form);

// The attribute that older paths name without a scope ("http.status_code", "name").
std::string TagAttribute(std::string_view tag);

// `text` as a string of TraceQL.
std::string TraceQlString(std::string_view text);
// A condition that holds for spans that have the tag, in any scope that may be asked for without
// naming it. `value` as TagsQuery compares it.
std::string TagCondition(std::string_view tag, std::string_view value);

}  // namespace varve::server
