// Short ways to write native histograms in tests.
#pragma once

#include <initializer_list>
#include <vector>

#include "varve/histogram.h"

namespace varve::promql::exec {

struct HistogramText {
  int32_t schema = 0;
  double count = 0;
  double sum = 0;
  double zero_count = 0;
  double zero_threshold = 0;
  int32_t offset = 0;
  std::vector<double> buckets = {};
  int32_t negative_offset = 0;
  std::vector<double> negative_buckets = {};
  std::vector<double> custom_values = {};
  CounterResetHint hint = CounterResetHint::kUnknown;
};

inline Histogram Make(const HistogramText& text) {
  Histogram out;
  out.schema = text.schema;
  out.count = text.count;
  out.sum = text.sum;
  out.zero_count = text.zero_count;
  out.zero_threshold = text.zero_threshold;
  out.reset_hint = text.hint;
  out.custom_values = text.custom_values;
  if (!text.buckets.empty()) {
    out.positive_spans = {{text.offset, static_cast<uint32_t>(text.buckets.size())}};
    out.positive_buckets = text.buckets;
  }
  if (!text.negative_buckets.empty()) {
    out.negative_spans = {
        {text.negative_offset, static_cast<uint32_t>(text.negative_buckets.size())}};
    out.negative_buckets = text.negative_buckets;
  }
  return out;
}

}  // namespace varve::promql::exec
