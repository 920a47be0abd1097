// The notation for native histograms in PromQL test scripts:
//
//   {{schema:1 count:7 sum:5.5 z_bucket:1 z_bucket_w:0.001 buckets:[2 0 3] offset:-1
//   n_buckets:[1]}}
//   {{schema:-53 count:4 sum:9 custom_values:[5 10] buckets:[1 3] counter_reset_hint:gauge}}
//
// Written for the tests alone, straight from the notation's description; it shares no arithmetic
// with the engine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "varve/histogram.h"
#include "varve/status.h"

namespace varve::conformance {

struct NotedHistogram {
  Histogram histogram;
  bool has_hint = false;  // counter_reset_hint was written
};

// `text` is what stands between the double braces. Error: kInvalidArgument naming the key or value.
Result<NotedHistogram> ParseHistogram(std::string_view text);

// The sum or difference that `{{...}}+{{...}}x3` and `{{...}}-{{...}}x3` step by. Error:
// kInvalidArgument for layouts that no script combines.
enum class Step : uint8_t { kAdd, kSubtract };
Result<Histogram> Combine(const Histogram& base, const Histogram& step, Step direction);

// Nothing when `got` is the histogram that was `expected`: counts and sums within the tolerance of
// AlmostEqual, empty buckets ignored, the hint only where it was written; else what differs.
std::optional<std::string> CompareHistograms(const NotedHistogram& expected, const Histogram& got);

std::string ShowHistogram(const Histogram& histogram);

}  // namespace varve::conformance
