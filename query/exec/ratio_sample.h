// limit_ratio's choice of series.
#pragma once

#include <cstdint>
#include <string>

#include "varve/labels.h"

namespace varve::promql::exec {

// The hash that Prometheus takes of a label set: XXH64 of the labels in order, each name and value
// behind its length in one byte (or, from 255 on, 255 and three bytes, the lowest first).
uint64_t ReferenceHash(const Labels& labels, std::string* scratch);

// Whether a series belongs to the sampled share: its hash, taken as a number in [0, 1], is below
// the ratio, or for a negative ratio in the share that its complement leaves. So the same series
// are chosen as by Prometheus, and ratios r and r - 1 part all series.
bool InRatio(double ratio, uint64_t hash);

}  // namespace varve::promql::exec
