#include "compaction/rollup_builder.h"

#include <bit>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/histogram/accumulate.h"
#include "base/histogram/counter_reset.h"
#include "base/kahan.h"
#include "varve/sample.h"

namespace varve::compaction {
namespace {

using format::HistogramRollups;
using format::RollupColumns;

bool IsStaleMarker(double value) { return std::bit_cast<uint64_t>(value) == kStaleMarkerBits; }

// Sums of such numbers are exact.
bool IsSmallInteger(double value) {
  constexpr double kLimit = 4503599627370496.0;  // 2^52
  return std::fabs(value) <= kLimit && std::trunc(value) == value;
}

// As max_over_time and min_over_time compare: NaN only while there is nothing else.
void TakeMin(double value, double* min) {
  if (value < *min || std::isnan(*min)) *min = value;
}
void TakeMax(double value, double* max) {
  if (value > *max || std::isnan(*max)) *max = value;
}

// One bucket of floats while it is filled.
class FloatBucket {
 public:
  void Begin(int64_t end_ms) {
    *this = FloatBucket();
    end_ms_ = end_ms;
  }
  bool empty() const { return end_ms_ == INT64_MIN; }
  int64_t end_ms() const { return end_ms_; }

  void AddStale() { flags_ |= format::kRollupEndsStale; }
  void MarkStarts() { flags_ |= format::kRollupHasStarts; }

  void Add(int64_t time_ms, double value) {
    AddEnds(time_ms, value, time_ms, value);
    TakeMin(value, &min_);
    TakeMax(value, &max_);
    sum_.Add(value);
    if (!IsSmallInteger(value) || !IsSmallInteger(sum_.sum)) flags_ |= format::kRollupSumRounded;
    count_ += 1;
  }

  void Add(const RollupColumns& rows, size_t i) {
    flags_ |= rows.flags[i] &
              (format::kRollupRateInexact | format::kRollupHasStarts | format::kRollupSumRounded);
    if (rows.count[i] > 0) {
      AddEnds(rows.first_ms[i], rows.first[i], rows.last_ms[i], rows.last[i]);
      if (rows.correction[i] != 0) AddCorrection(rows.correction[i]);
      TakeMin(rows.min[i], &min_);
      TakeMax(rows.max[i], &max_);
      sum_.Add(rows.sum[i]);
      sum_.Add(rows.sum_low[i]);
      if (!IsSmallInteger(sum_.sum)) flags_ |= format::kRollupSumRounded;
      count_ += rows.count[i];
    }
    if ((rows.flags[i] & format::kRollupEndsStale) != 0) AddStale();
  }

  void AppendTo(RollupColumns* out) {
    // A counter's corrections are told as if it had run up to them and begun at zero.
    if (correction_ != 0 && !(correction_ >= first_ && last_ >= 0)) {
      flags_ |= format::kRollupRateInexact;
    }
    out->end_ms.push_back(end_ms_);
    out->count.push_back(count_);
    out->first_ms.push_back(count_ > 0 ? first_ms_ : end_ms_);
    out->last_ms.push_back(count_ > 0 ? last_ms_ : end_ms_);
    out->first.push_back(first_);
    out->last.push_back(last_);
    out->min.push_back(min_);
    out->max.push_back(max_);
    out->sum.push_back(sum_.sum);
    out->sum_low.push_back(sum_.compensation);
    out->correction.push_back(correction_);
    out->flags.push_back(flags_);
    end_ms_ = INT64_MIN;
  }

 private:
  void AddEnds(int64_t first_ms, double first, int64_t last_ms, double last) {
    flags_ &= ~int64_t{format::kRollupEndsStale};
    if (count_ == 0) {
      first_ms_ = first_ms;
      first_ = min_ = max_ = first;
    } else if (first < last_) {
      AddCorrection(last_);
    }
    last_ms_ = last_ms;
    last_ = last;
  }

  void AddCorrection(double value) {
    if (resets_ > 0 && !(IsSmallInteger(value) && IsSmallInteger(correction_))) {
      flags_ |= format::kRollupRateInexact;
    }
    // To run up to zero, or to less, is no reset that could be told.
    if (!(value > 0)) flags_ |= format::kRollupRateInexact;
    ++resets_;
    correction_ += value;
  }

  int64_t end_ms_ = INT64_MIN;
  int64_t count_ = 0;
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  double first_ = 0;
  double last_ = 0;
  double min_ = 0;
  double max_ = 0;
  KahanSum sum_;
  double correction_ = 0;
  uint32_t resets_ = 0;
  int64_t flags_ = 0;
};

// The same of native histograms.
class HistogramBucket {
 public:
  void Begin(int64_t end_ms) {
    *this = HistogramBucket();
    end_ms_ = end_ms;
  }
  bool empty() const { return end_ms_ == INT64_MIN; }
  int64_t end_ms() const { return end_ms_; }

  void AddStale() { flags_ |= format::kRollupEndsStale; }
  void MarkStarts() { flags_ |= format::kRollupHasStarts; }

  void Add(int64_t time_ms, const HistogramPtr& sample) {
    flags_ &= ~int64_t{format::kRollupEndsStale};
    if (last_ != nullptr && MustKeepBoth(*last_, *sample)) {
      KeepLast();
      Keep(time_ms, sample);
    } else if (last_ == nullptr) {
      Keep(time_ms, sample);
    }
    AddToSum(*sample);
    last_ = sample;
    last_ms_ = time_ms;
    count_ += 1;
  }

  void Add(const HistogramRollups& rows, size_t i) {
    flags_ |= rows.flags[i] & (format::kRollupRateInexact | format::kRollupHasStarts);
    if (rows.count[i] > 0) {
      flags_ &= ~int64_t{format::kRollupEndsStale};
      for (size_t k = rows.kept_begin[i]; k < rows.kept_begin[i + 1]; ++k) {
        const HistogramPtr& sample = rows.kept[k];
        const bool end = k == rows.kept_begin[i] || k + 1 == rows.kept_begin[i + 1];
        if (last_ != nullptr && (!end || MustKeepBoth(*last_, *sample))) {
          KeepLast();
          Keep(rows.kept_ms[k], sample);
        } else if (last_ == nullptr) {
          Keep(rows.kept_ms[k], sample);
        }
        last_ = sample;
        last_ms_ = rows.kept_ms[k];
      }
      if (rows.sum[i] == nullptr) {
        flags_ |= format::kRollupNoSum;
      } else {
        AddToSum(*rows.sum[i]);
      }
      count_ += rows.count[i];
    }
    if ((rows.flags[i] & format::kRollupEndsStale) != 0) AddStale();
  }

  void AppendTo(HistogramRollups* out) {
    if (last_ != nullptr) KeepLast();
    HistogramPtr sum;
    if (sum_ && (flags_ & format::kRollupNoSum) == 0) {
      auto total = std::make_shared<Histogram>(sum_->Total());
      total->reset_hint = CounterResetHint::kGauge;
      if (total->Validate().ok()) {
        sum = std::move(total);
      } else {
        flags_ |= format::kRollupNoSum;
      }
    }
    out->end_ms.push_back(end_ms_);
    out->count.push_back(count_);
    out->flags.push_back(flags_);
    out->sum.push_back(std::move(sum));
    out->kept_ms.insert(out->kept_ms.end(), kept_ms_.begin(), kept_ms_.end());
    out->kept.insert(out->kept.end(), kept_.begin(), kept_.end());
    out->kept_begin.push_back(out->kept.size());
    end_ms_ = INT64_MIN;
  }

 private:
  // A reset, or another layout, which decides the result's.
  static bool MustKeepBoth(const Histogram& last, const Histogram& next) {
    return last.schema != next.schema || last.zero_threshold != next.zero_threshold ||
           last.custom_values != next.custom_values || last.reset_hint != next.reset_hint ||
           histogram::DetectReset(next, last);
  }
  void KeepLast() {
    if (kept_ms_.empty() || kept_ms_.back() != last_ms_) Keep(last_ms_, last_);
  }
  void Keep(int64_t time_ms, const HistogramPtr& sample) {
    kept_ms_.push_back(time_ms);
    kept_.push_back(sample);
  }
  void AddToSum(const Histogram& histogram) {
    if (!sum_) {
      sum_.emplace(histogram);
    } else if (sum_->Add(histogram).incompatible) {
      flags_ |= format::kRollupNoSum;
    }
  }

  int64_t end_ms_ = INT64_MIN;
  int64_t count_ = 0;
  int64_t flags_ = 0;
  int64_t last_ms_ = 0;
  HistogramPtr last_;
  std::optional<histogram::CompensatedHistogram> sum_;
  std::vector<int64_t> kept_ms_;
  std::vector<HistogramPtr> kept_;
};

// Makes `bucket` the one that ends at `end_ms`; what it was goes to `out`.
template <typename Bucket, typename Rows>
void MoveTo(int64_t end_ms, Bucket* bucket, Rows* out) {
  if (!bucket->empty() && bucket->end_ms() == end_ms) return;
  if (!bucket->empty()) bucket->AppendTo(out);
  bucket->Begin(end_ms);
}

template <typename Rows>
void MergeRows(const Rows& older, const Rows& newer, Rows* out) {
  size_t a = 0;
  size_t b = 0;
  while (a < older.size() || b < newer.size()) {
    if (b == newer.size() || (a < older.size() && older.end_ms[a] < newer.end_ms[b])) {
      out->Append(older, a++);
    } else if (a == older.size() || newer.end_ms[b] < older.end_ms[a]) {
      out->Append(newer, b++);
    } else {
      if (older.count[a] > newer.count[b]) {
        out->Append(older, a);
      } else {
        out->Append(newer, b);
      }
      ++a;
      ++b;
    }
  }
}

}  // namespace

int64_t BucketEnd(int64_t time_ms, int64_t resolution_ms) {
  VARVE_CHECK(resolution_ms > 0);
  const int64_t into = time_ms % resolution_ms;
  if (into == 0) return time_ms;
  return time_ms - into + (into > 0 ? resolution_ms : 0);
}

void RollUp(const format::SampleColumns& samples, int64_t resolution_ms,
            format::SeriesRollups* out) {
  FloatBucket floats;
  for (size_t i = 0; i < samples.timestamps_ms.size(); ++i) {
    MoveTo(BucketEnd(samples.timestamps_ms[i], resolution_ms), &floats, &out->floats);
    if (IsStaleMarker(samples.values[i])) {
      floats.AddStale();
    } else {
      floats.Add(samples.timestamps_ms[i], samples.values[i]);
    }
    if (i < samples.start_times_ms.size() && samples.start_times_ms[i] != 0) floats.MarkStarts();
  }
  if (!floats.empty()) floats.AppendTo(&out->floats);
  HistogramBucket histograms;
  for (size_t i = 0; i < samples.histograms.size(); ++i) {
    const int64_t time_ms = samples.histogram_timestamps_ms[i];
    MoveTo(BucketEnd(time_ms, resolution_ms), &histograms, &out->histograms);
    if (samples.histograms[i]->is_stale_marker()) {
      histograms.AddStale();
    } else {
      histograms.Add(time_ms, samples.histograms[i]);
    }
    if (i < samples.histogram_start_times_ms.size() && samples.histogram_start_times_ms[i] != 0) {
      histograms.MarkStarts();
    }
  }
  if (!histograms.empty()) histograms.AppendTo(&out->histograms);
}

void RollUp(const format::SeriesRollups& finer, int64_t resolution_ms, format::SeriesRollups* out) {
  FloatBucket floats;
  for (size_t i = 0; i < finer.floats.size(); ++i) {
    MoveTo(BucketEnd(finer.floats.end_ms[i], resolution_ms), &floats, &out->floats);
    floats.Add(finer.floats, i);
  }
  if (!floats.empty()) floats.AppendTo(&out->floats);
  HistogramBucket histograms;
  for (size_t i = 0; i < finer.histograms.size(); ++i) {
    MoveTo(BucketEnd(finer.histograms.end_ms[i], resolution_ms), &histograms, &out->histograms);
    histograms.Add(finer.histograms, i);
  }
  if (!histograms.empty()) histograms.AppendTo(&out->histograms);
}

void MergeRollups(const format::SeriesRollups& older, const format::SeriesRollups& newer,
                  format::SeriesRollups* out) {
  MergeRows(older.floats, newer.floats, &out->floats);
  MergeRows(older.histograms, newer.histograms, &out->histograms);
}

}  // namespace varve::compaction
