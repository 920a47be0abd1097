#include "server/remote_read/histogram_chunk.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"
#include "server/remote_read/bit_writer.h"
#include "server/remote_read/varbit.h"

namespace varve::server {
namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameLayout(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && SameBits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.positive_buckets.size() == b.positive_buckets.size() &&
         a.negative_buckets.size() == b.negative_buckets.size() &&
         a.custom_values == b.custom_values;
}

bool IsGauge(const Histogram& histogram) {
  return histogram.reset_hint == CounterResetHint::kGauge;
}

bool AnyDecreased(const std::vector<double>& last, const std::vector<double>& next) {
  for (size_t i = 0; i < last.size(); ++i) {
    if (next[i] < last[i]) return true;
  }
  return false;
}

// REQUIRES: SameLayout.
bool Decreased(const Histogram& last, const Histogram& next) {
  return next.count < last.count || next.zero_count < last.zero_count ||
         AnyDecreased(last.positive_buckets, next.positive_buckets) ||
         AnyDecreased(last.negative_buckets, next.negative_buckets);
}

void WriteZeroThreshold(double threshold, BitWriter* bits) {
  constexpr uint8_t kOther = 255;
  if (threshold == 0) return bits->Byte(0);
  int exponent = 0;
  if (std::frexp(threshold, &exponent) != 0.5 || exponent < -242 || exponent > 11) {
    bits->Byte(kOther);
    return bits->Bits(std::bit_cast<uint64_t>(threshold), 64);
  }
  bits->Byte(static_cast<uint8_t>(exponent + 243));
}

void WriteSpans(std::span<const BucketSpan> spans, BitWriter* bits) {
  WriteVarbitUint(spans.size(), bits);
  for (const BucketSpan& span : spans) {
    WriteVarbitUint(span.length, bits);
    WriteVarbitInt(span.offset, bits);
  }
}

// Thousandths that are few enough are written as a number, plus one, so that a leading 0 bit can
// tell of a double.
void WriteCustomBound(double bound, BitWriter* bits) {
  constexpr double kThousandthsMax = 33554430;
  const double thousandths = bound * 1000;
  if (thousandths >= 0 && thousandths <= kThousandthsMax &&
      std::round(thousandths) / 1000 == bound) {
    return WriteVarbitUint(static_cast<uint64_t>(std::round(thousandths)) + 1, bits);
  }
  bits->Zero();
  bits->Bits(std::bit_cast<uint64_t>(bound), 64);
}

void WriteLayout(const Histogram& histogram, BitWriter* bits) {
  WriteZeroThreshold(histogram.zero_threshold, bits);
  WriteVarbitInt(histogram.schema, bits);
  WriteSpans(histogram.positive_spans, bits);
  WriteSpans(histogram.negative_spans, bits);
  if (!histogram.uses_custom_buckets()) return;
  WriteVarbitUint(histogram.custom_values.size(), bits);
  for (const double bound : histogram.custom_values) WriteCustomBound(bound, bits);
}

// A series of whole numbers as changes of its change. In unsigned arithmetic, which wraps as the
// reader's does.
class DeltaOfDelta {
 public:
  void Assume(uint64_t value) {
    last_ = value;
    delta_ = 0;
  }
  void Write(uint64_t value, BitWriter* bits) {
    const uint64_t delta = value - std::exchange(last_, value);
    WriteVarbitInt(static_cast<int64_t>(delta - std::exchange(delta_, delta)), bits);
  }

 private:
  uint64_t last_ = 0;
  uint64_t delta_ = 0;
};

uint64_t Whole(double count) { return static_cast<uint64_t>(count); }

// Buckets of one side as the chunk has them: each as its difference from the one before.
template <typename Write>
void ForEachDifference(const std::vector<double>& buckets, Write write) {
  uint64_t last = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    write(i, Whole(buckets[i]) - last);
    last = Whole(buckets[i]);
  }
}

class IntegerEncoder {
 public:
  explicit IntegerEncoder(BitWriter* bits) : bits_(bits) {}

  void First(int64_t timestamp_ms, const Histogram& histogram) {
    time_.Assume(static_cast<uint64_t>(timestamp_ms));
    WriteVarbitInt(timestamp_ms, bits_);
    count_.Assume(Whole(histogram.count));
    WriteVarbitUint(Whole(histogram.count), bits_);
    zero_count_.Assume(Whole(histogram.zero_count));
    WriteVarbitUint(Whole(histogram.zero_count), bits_);
    sum_.Start(histogram.sum, bits_);
    FirstBuckets(histogram.positive_buckets, &positive_);
    FirstBuckets(histogram.negative_buckets, &negative_);
  }

  void Next(int64_t timestamp_ms, const Histogram& histogram) {
    time_.Write(static_cast<uint64_t>(timestamp_ms), bits_);
    if (histogram.is_stale_marker()) {
      bits_->Bits(0, 2);  // counts and buckets of a stale marker don't matter
      return sum_.Write(histogram.sum, bits_);
    }
    count_.Write(Whole(histogram.count), bits_);
    zero_count_.Write(Whole(histogram.zero_count), bits_);
    sum_.Write(histogram.sum, bits_);
    NextBuckets(histogram.positive_buckets, &positive_);
    NextBuckets(histogram.negative_buckets, &negative_);
  }

 private:
  void FirstBuckets(const std::vector<double>& buckets, std::vector<DeltaOfDelta>* side) {
    side->resize(buckets.size());
    ForEachDifference(buckets, [&](size_t i, uint64_t difference) {
      (*side)[i].Assume(difference);
      WriteVarbitInt(static_cast<int64_t>(difference), bits_);
    });
  }
  void NextBuckets(const std::vector<double>& buckets, std::vector<DeltaOfDelta>* side) {
    ForEachDifference(buckets,
                      [&](size_t i, uint64_t difference) { (*side)[i].Write(difference, bits_); });
  }

  BitWriter* const bits_;
  DeltaOfDelta time_;
  DeltaOfDelta count_;
  DeltaOfDelta zero_count_;
  XorValue sum_;
  std::vector<DeltaOfDelta> positive_;
  std::vector<DeltaOfDelta> negative_;
};

class FloatEncoder {
 public:
  explicit FloatEncoder(BitWriter* bits) : bits_(bits) {}

  void First(int64_t timestamp_ms, const Histogram& histogram) {
    time_.Assume(static_cast<uint64_t>(timestamp_ms));
    WriteVarbitInt(timestamp_ms, bits_);
    count_.Start(histogram.count, bits_);
    zero_count_.Start(histogram.zero_count, bits_);
    sum_.Start(histogram.sum, bits_);
    FirstBuckets(histogram.positive_buckets, &positive_);
    FirstBuckets(histogram.negative_buckets, &negative_);
  }

  void Next(int64_t timestamp_ms, const Histogram& histogram) {
    const bool is_stale = histogram.is_stale_marker();
    time_.Write(static_cast<uint64_t>(timestamp_ms), bits_);
    count_.Write(is_stale ? 0 : histogram.count, bits_);
    zero_count_.Write(is_stale ? 0 : histogram.zero_count, bits_);
    sum_.Write(histogram.sum, bits_);
    if (is_stale) return;
    NextBuckets(histogram.positive_buckets, &positive_);
    NextBuckets(histogram.negative_buckets, &negative_);
  }

 private:
  void FirstBuckets(const std::vector<double>& buckets, std::vector<XorValue>* side) {
    side->resize(buckets.size());
    for (size_t i = 0; i < buckets.size(); ++i) (*side)[i].Start(buckets[i], bits_);
  }
  void NextBuckets(const std::vector<double>& buckets, std::vector<XorValue>* side) {
    for (size_t i = 0; i < buckets.size(); ++i) (*side)[i].Write(buckets[i], bits_);
  }

  BitWriter* const bits_;
  DeltaOfDelta time_;
  XorValue count_;
  XorValue zero_count_;
  XorValue sum_;
  std::vector<XorValue> positive_;
  std::vector<XorValue> negative_;
};

template <typename Encoder>
void Encode(std::span<const HistogramSample> samples, BitWriter* bits) {
  Encoder encoder(bits);
  Histogram stale;  // nothing but its sum, also in a layout of its own
  stale.sum = samples[0].histogram.sum;
  const Histogram& first = stale.is_stale_marker() ? stale : samples[0].histogram;
  WriteLayout(first, bits);
  encoder.First(samples[0].timestamp_ms, first);
  for (const HistogramSample& sample : samples.subspan(1)) {
    encoder.Next(sample.timestamp_ms, sample.histogram);
  }
}

}  // namespace

bool FollowsInChunk(const Histogram& last, const Histogram& next) {
  if (last.form != next.form || IsGauge(last) != IsGauge(next)) return false;
  if (next.reset_hint == CounterResetHint::kReset) return false;
  if (next.is_stale_marker()) return true;
  if (last.is_stale_marker() || !SameLayout(last, next)) return false;
  return IsGauge(next) || !Decreased(last, next);
}

ResetHeader HeaderOf(const Histogram* last, const Histogram& first) {
  if (IsGauge(first)) return ResetHeader::kGauge;
  if (first.reset_hint == CounterResetHint::kReset) return ResetHeader::kReset;
  if (first.reset_hint == CounterResetHint::kNoReset) return ResetHeader::kNoReset;
  if (last == nullptr || IsGauge(*last) || last->is_stale_marker() || first.is_stale_marker() ||
      !SameLayout(*last, first)) {
    return ResetHeader::kUnknown;
  }
  return Decreased(*last, first) ? ResetHeader::kReset : ResetHeader::kNoReset;
}

std::string EncodeHistogramChunk(std::span<const HistogramSample> samples, ResetHeader header) {
  VARVE_CHECK(!samples.empty() && samples.size() <= UINT16_MAX);
  std::string chunk;
  BitWriter bits(&chunk);
  bits.Bits(samples.size(), 16);
  bits.Byte(static_cast<uint8_t>(header));
  if (samples[0].histogram.form == Histogram::Form::kInteger) {
    Encode<IntegerEncoder>(samples, &bits);
  } else {
    Encode<FloatEncoder>(samples, &bits);
  }
  return chunk;
}

}  // namespace varve::server
