#include "server/http/http_metrics.h"

#include <algorithm>

#include "base/check.h"

namespace varve::server {

void EndpointMetrics::Record(HttpStatus status, int64_t elapsed_ns) {
  const auto* found = std::find(kStatuses.begin(), kStatuses.end(), status);
  VARVE_CHECK(found != kStatuses.end());
  by_status_[static_cast<size_t>(found - kStatuses.begin())].fetch_add(1,
                                                                       std::memory_order_relaxed);
  const double seconds = static_cast<double>(elapsed_ns) * 1e-9;
  const auto* bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), seconds);
  buckets_[static_cast<size_t>(bucket - kBuckets.begin())].fetch_add(1, std::memory_order_relaxed);
  elapsed_ns_.fetch_add(elapsed_ns, std::memory_order_relaxed);
}

}  // namespace varve::server
