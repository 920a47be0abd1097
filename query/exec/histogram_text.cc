#include "query/exec/histogram_text.h"

#include "query/exec/go_format.h"
#include "varve/histogram_buckets.h"

namespace varve::promql::exec {

std::string ToText(const Histogram& histogram) {
  std::string out =
      "{count:" + FormatGoShort(histogram.count) + ", sum:" + FormatGoShort(histogram.sum);
  for (const HistogramBucket& bucket : HistogramBuckets(histogram)) {
    if (bucket.count == 0) continue;
    out += bucket.lower_inclusive ? ", [" : ", (";
    out += FormatGoShort(bucket.lower) + "," + FormatGoShort(bucket.upper);
    out += bucket.upper_inclusive ? "]:" : "):";
    out += FormatGoShort(bucket.count);
  }
  out += '}';
  return out;
}

}  // namespace varve::promql::exec
