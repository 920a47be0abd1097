// Native histograms as text, as Prometheus prints them in labels of count_values.
#pragma once

#include <string>

#include "varve/histogram.h"

namespace varve::promql::exec {

// {count:3, sum:4.5, [-2,-1):1, [-0.001,0.001]:1, (0.5,1]:1}; empty buckets are left out.
std::string ToText(const Histogram& histogram);

}  // namespace varve::promql::exec
