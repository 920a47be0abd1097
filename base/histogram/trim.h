// The trim operators </ and >/: the observations of a native histogram on one side of a value.
#pragma once

#include <cstdint>

#include "varve/histogram.h"

namespace varve::histogram {

enum class KeptSide : uint8_t { kBelow, kAbove };

// Buckets beyond `limit` are dropped, the one around it keeps its share (interpolated as quantiles
// are); of a bucket that ends at infinity nothing is known, so it goes or stays whole. If anything
// was cut, count and sum are estimated anew from the buckets that stay.
Histogram Trim(const Histogram& histogram, double limit, KeptSide kept);

}  // namespace varve::histogram
