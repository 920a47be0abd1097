// What /api/v1/query, /query_range and /explain take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/http/form.h"
#include "server/http/message.h"
#include "varve/promql.h"
#include "varve/status.h"

namespace varve::server {

struct QueryParameters {
  std::string_view expression;  // into the form
  promql::QueryOptions options;
  size_t limit = 0;  // 0: none
  enum class Statistics : uint8_t { kNone, kTotals, kPerStep } statistics = Statistics::kNone;
};

struct RangeParameters {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
};

// kInvalidArgument in Prometheus' words.
Result<QueryParameters> ReadQueryParameters(const Form& form, const Request& request);
Result<RangeParameters> ReadRangeParameters(const Form& form);

}  // namespace varve::server
