#include "server/ingest/bucket_resolution.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace varve::server {
namespace {

// One side of a histogram being gathered.
struct Side {
  std::vector<BucketSpan> spans;
  std::vector<double> buckets;
  int64_t last = 0;

  // False for a bucket that lies before the last one or beyond 32 bits.
  bool Add(int64_t index, double count) {
    if (index < std::numeric_limits<int32_t>::min() || index > std::numeric_limits<int32_t>::max())
      return false;
    if (!buckets.empty() && index <= last) {
      buckets.back() += count;
      return index == last;
    }
    const int64_t gap = buckets.empty() ? index : index - last - 1;
    if (gap > std::numeric_limits<int32_t>::max()) return false;
    if (buckets.empty() || gap > 0) spans.push_back({static_cast<int32_t>(gap), 0});
    ++spans.back().length;
    buckets.push_back(count);
    last = index;
    return true;
  }
};

bool Reduce(unsigned levels, std::span<const BucketSpan> spans, std::span<const double> buckets,
            Side* out) {
  size_t next = 0;
  int64_t index = 0;
  for (const BucketSpan& span : spans) {
    if (span.length > buckets.size() - next) return false;
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index) {
      // Bucket i ends at its upper bound, so 2^levels of them end where a coarse one does.
      if (!out->Add(((index - 1) >> levels) + 1, buckets[next++])) return false;
    }
  }
  return next == buckets.size();
}

}  // namespace

void ReduceResolution(int32_t schema, Histogram* histogram) {
  // Beyond 63 levels every index has become 0 or 1 long before.
  const auto levels = static_cast<unsigned>(std::min(histogram->schema - schema, 63));
  Side positive;
  Side negative;
  if (!Reduce(levels, histogram->positive_spans, histogram->positive_buckets, &positive) ||
      !Reduce(levels, histogram->negative_spans, histogram->negative_buckets, &negative)) {
    return;
  }
  histogram->schema = schema;
  histogram->positive_spans = std::move(positive.spans);
  histogram->positive_buckets = std::move(positive.buckets);
  histogram->negative_spans = std::move(negative.spans);
  histogram->negative_buckets = std::move(negative.buckets);
}

}  // namespace varve::server
