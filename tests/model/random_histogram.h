// Native histograms as careless but legal writers make them.
#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "varve/histogram.h"

namespace varve::model {

class HistogramSource {
 public:
  explicit HistogramSource(uint64_t seed) : random_(seed) {}

  // Mostly the one before, with more observations; sometimes of another layout, form or hint.
  // Always valid.
  Histogram Next() {
    if (last_.positive_spans.empty() || Below(12) == 0) {
      last_ = Fresh();
    } else {
      Observe();
    }
    if (Below(16) == 0) last_.reset_hint = static_cast<CounterResetHint>(Below(4));
    if (Below(20) == 0) return StaleMarker();
    return last_;
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  Histogram StaleMarker() {
    Histogram marker;
    marker.form = last_.form;
    marker.reset_hint = last_.reset_hint;
    marker.sum = std::bit_cast<double>(kStaleMarkerBits);
    return marker;
  }

  std::vector<BucketSpan> Spans(int32_t first) {
    std::vector<BucketSpan> spans;
    for (uint64_t i = 1 + Below(4); i > 0; --i) {
      const auto offset = static_cast<int32_t>(spans.empty() ? first : Below(5));
      spans.push_back({offset, static_cast<uint32_t>(Below(6))});
    }
    return spans;
  }

  double Count() {
    if (last_.form == Histogram::Form::kInteger) {
      return static_cast<double>(Below(8) == 0 ? Below(uint64_t{1} << 40) : Below(50));
    }
    switch (Below(8)) {
      case 0:
        return std::bit_cast<double>(0x7ff8000000000000 | Below(1000));  // NaN
      case 1:
        return -0.0;
      default:
        return static_cast<double>(Below(100'000)) / 8;
    }
  }

  static size_t Covered(const std::vector<BucketSpan>& spans) {
    size_t count = 0;
    for (const BucketSpan& span : spans) count += span.length;
    return count;
  }

  Histogram Fresh() {
    Histogram fresh;
    fresh.form = Below(2) == 0 ? Histogram::Form::kInteger : Histogram::Form::kFloat;
    last_.form = fresh.form;
    if (Below(4) == 0) {
      fresh.schema = kCustomBucketsSchema;
      fresh.positive_spans = Spans(static_cast<int32_t>(Below(3)));
      for (int i = 0; i < 60; ++i) fresh.custom_values.push_back(i * 0.25 - 3);
    } else {
      fresh.schema = static_cast<int32_t>(Below(13)) - 4;
      fresh.zero_threshold = Below(2) == 0 ? 0x1p-128 : 0;
      fresh.zero_count = Count();
      fresh.positive_spans = Spans(static_cast<int32_t>(Below(200)) - 100);
      if (Below(2) == 0) fresh.negative_spans = Spans(-5);
    }
    fresh.positive_buckets.resize(Covered(fresh.positive_spans));
    fresh.negative_buckets.resize(Covered(fresh.negative_spans));
    for (double& bucket : fresh.positive_buckets) bucket = Count();
    for (double& bucket : fresh.negative_buckets) bucket = Count();
    last_ = std::move(fresh);
    Total();
    return last_;
  }

  void Observe() {
    for (std::vector<double>* side : {&last_.positive_buckets, &last_.negative_buckets}) {
      for (double& bucket : *side) {
        if (Below(3) == 0) bucket += Count();
      }
    }
    Total();
  }

  void Total() {
    last_.count = last_.zero_count;
    for (const double bucket : last_.positive_buckets) last_.count += bucket;
    for (const double bucket : last_.negative_buckets) last_.count += bucket;
    last_.sum = Below(10) == 0 ? -0.0 : static_cast<double>(Below(1'000'000)) / 7;
  }

  std::mt19937_64 random_;
  Histogram last_;
};

}  // namespace varve::model
