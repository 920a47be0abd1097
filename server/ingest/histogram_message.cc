#include "server/ingest/histogram_message.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/varint.h"
#include "server/ingest/bucket_resolution.h"

namespace varve::server {
namespace {

constexpr uint64_t kExactCountMax = uint64_t{1} << 53;

enum Field : uint32_t {
  kCountInt = 1,
  kCountFloat = 2,
  kSum = 3,
  kSchema = 4,
  kZeroThreshold = 5,
  kZeroCountInt = 6,
  kZeroCountFloat = 7,
  kNegativeSpans = 8,
  kNegativeDeltas = 9,
  kNegativeCounts = 10,
  kPositiveSpans = 11,
  kPositiveDeltas = 12,
  kPositiveCounts = 13,
  kResetHint = 14,
  kTimestamp = 15,
  kCustomValues = 16,
  kStartTimestamp = 17,  // 2.0
};

// Buckets written as differences, made absolute as they come.
struct IntegerBuckets {
  std::vector<double> counts;
  uint64_t last = 0;        // as unsigned, so that nonsense wraps and is seen as negative
  uint64_t total = 0;       // of the counts
  bool is_additive = true;  // no count was negative, and the total fits
  bool is_exact = true;     // every count is a double

  void Add(int64_t delta) {
    last += std::bit_cast<uint64_t>(delta);
    const auto count = std::bit_cast<int64_t>(last);
    counts.push_back(static_cast<double>(count));
    is_exact = is_exact && last <= kExactCountMax;
    if (count < 0 || __builtin_add_overflow(total, last, &total)) is_additive = false;
  }
};

BucketSpan DecodeSpan(WireReader message) {
  BucketSpan span;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kVarint)) {
      const auto raw = static_cast<uint32_t>(message.Varint("the offset of a bucket span"));
      span.offset = static_cast<int32_t>(ZigZagDecode(raw));
    } else if (tag == WireTag(2, WireType::kVarint)) {
      span.length = static_cast<uint32_t>(message.Varint("the length of a bucket span"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return span;
}

// What a field is written as; repeated scalars come packed or one by one.
enum class FieldKind : uint8_t { kUnknown, kVarint, kDouble, kSpan, kVarints, kDoubles };

FieldKind KindOf(uint32_t field, RemoteWriteVersion version) {
  switch (field) {
    case kCountInt:
    case kSchema:
    case kZeroCountInt:
    case kResetHint:
    case kTimestamp:
      return FieldKind::kVarint;
    case kCountFloat:
    case kSum:
    case kZeroThreshold:
    case kZeroCountFloat:
      return FieldKind::kDouble;
    case kNegativeSpans:
    case kPositiveSpans:
      return FieldKind::kSpan;
    case kNegativeDeltas:
    case kPositiveDeltas:
      return FieldKind::kVarints;
    case kNegativeCounts:
    case kPositiveCounts:
    case kCustomValues:
      return FieldKind::kDoubles;
    case kStartTimestamp:
      return version == RemoteWriteVersion::kV2 ? FieldKind::kVarint : FieldKind::kUnknown;
    default:
      return FieldKind::kUnknown;
  }
}

bool Fits(FieldKind kind, WireType type) {
  switch (kind) {
    case FieldKind::kUnknown:
      return true;
    case FieldKind::kVarint:
      return type == WireType::kVarint;
    case FieldKind::kDouble:
      return type == WireType::kFixed64;
    case FieldKind::kSpan:
      return type == WireType::kBytes;
    case FieldKind::kVarints:
      return type == WireType::kVarint || type == WireType::kBytes;
    case FieldKind::kDoubles:
      return type == WireType::kFixed64 || type == WireType::kBytes;
  }
  return false;
}

class Decoder {
 public:
  Decoder(WireReader message, RemoteWriteVersion version) : message_(message), version_(version) {}

  HistogramSample Run() {
    while (!message_.done()) {
      const uint8_t* start = message_.at();
      const uint32_t tag = message_.Tag();
      if (message_.failed()) break;
      const FieldKind kind = KindOf(tag >> 3, version_);
      const auto type = static_cast<WireType>(tag & 7);
      if (Fits(kind, type)) {
        ReadField(kind, tag);
      } else {
        message_.Fail(start, "this field in the wire type of its definition");
      }
    }
    Settle();
    return std::move(sample_);
  }

 private:
  void ReadField(FieldKind kind, uint32_t tag);
  void ReadVarint(uint32_t field);
  void ReadDouble(uint32_t field);
  void ReadDeltas(WireType type, IntegerBuckets* buckets);
  void ReadDoubles(WireType type, std::vector<double>* values);
  void Settle();
  void SettleIntegers();

  WireReader message_;
  const RemoteWriteVersion version_;
  HistogramSample sample_;
  // Both forms can be on the wire; the field that the count comes in chooses.
  bool is_float_ = false;
  uint64_t count_ = 0;
  uint64_t zero_count_ = 0;
  IntegerBuckets positive_;
  IntegerBuckets negative_;
};

void Decoder::ReadVarint(uint32_t field) {
  const uint64_t value = message_.Varint("a number of a histogram");
  Histogram& histogram = sample_.histogram;
  switch (field) {
    case kCountInt:
      is_float_ = false;
      count_ = value;
      return;
    case kZeroCountInt:
      zero_count_ = value;
      return;
    case kSchema:
      histogram.schema = static_cast<int32_t>(ZigZagDecode(static_cast<uint32_t>(value)));
      return;
    case kResetHint:
      // One that is not known here makes readers compare the buckets, which is never wrong.
      histogram.reset_hint = value <= static_cast<uint64_t>(CounterResetHint::kGauge)
                                 ? static_cast<CounterResetHint>(value)
                                 : CounterResetHint::kUnknown;
      return;
    case kTimestamp:
      sample_.timestamp_ms = std::bit_cast<int64_t>(value);
      return;
    default:
      sample_.start_ms = std::bit_cast<int64_t>(value);
  }
}

void Decoder::ReadDouble(uint32_t field) {
  const double value = message_.Double("the 8 bytes of a number of a histogram");
  Histogram& histogram = sample_.histogram;
  switch (field) {
    case kCountFloat:
      is_float_ = true;
      histogram.count = value;
      return;
    case kSum:
      histogram.sum = value;
      return;
    case kZeroThreshold:
      histogram.zero_threshold = value;
      return;
    default:
      histogram.zero_count = value;
  }
}

void Decoder::ReadDeltas(WireType type, IntegerBuckets* buckets) {
  constexpr const char* kExpected = "the change of a bucket's count";
  if (type == WireType::kVarint) return buckets->Add(ZigZagDecode(message_.Varint(kExpected)));
  for (WireReader run = message_.Message("the length of bucket counts"); !run.done();) {
    buckets->Add(ZigZagDecode(run.Varint(kExpected)));
  }
}

void Decoder::ReadDoubles(WireType type, std::vector<double>* values) {
  constexpr const char* kExpected = "the 8 bytes of a bucket's count or bound";
  if (type == WireType::kFixed64) return values->push_back(message_.Double(kExpected));
  for (WireReader run = message_.Message("the length of bucket counts or bounds"); !run.done();) {
    values->push_back(run.Double(kExpected));
  }
}

void Decoder::ReadField(FieldKind kind, uint32_t tag) {
  const uint32_t field = tag >> 3;
  const auto type = static_cast<WireType>(tag & 7);
  Histogram& histogram = sample_.histogram;
  switch (kind) {
    case FieldKind::kUnknown:
      return message_.Skip(tag);
    case FieldKind::kVarint:
      return ReadVarint(field);
    case FieldKind::kDouble:
      return ReadDouble(field);
    case FieldKind::kSpan: {
      const BucketSpan span = DecodeSpan(message_.Message("the length of a bucket span"));
      (field == kPositiveSpans ? histogram.positive_spans : histogram.negative_spans)
          .push_back(span);
      return;
    }
    case FieldKind::kVarints:
      return ReadDeltas(type, field == kPositiveDeltas ? &positive_ : &negative_);
    case FieldKind::kDoubles:
      return ReadDoubles(type, field == kCustomValues     ? &histogram.custom_values
                               : field == kPositiveCounts ? &histogram.positive_buckets
                                                          : &histogram.negative_buckets);
  }
}

void Decoder::SettleIntegers() {
  Histogram& histogram = sample_.histogram;
  histogram.count = static_cast<double>(count_);
  histogram.zero_count = static_cast<double>(zero_count_);
  histogram.positive_buckets = std::move(positive_.counts);
  histogram.negative_buckets = std::move(negative_.counts);
  histogram.form = Histogram::Form::kInteger;
  if (positive_.is_exact && negative_.is_exact && count_ <= kExactCountMax &&
      zero_count_ <= kExactCountMax) {
    return;
  }
  // What does not add up stays an integer histogram, which Validate refuses at such counts.
  uint64_t total = 0;
  if (!positive_.is_additive || !negative_.is_additive ||
      __builtin_add_overflow(positive_.total, negative_.total, &total) ||
      __builtin_add_overflow(total, zero_count_, &total)) {
    return;
  }
  if (std::isnan(histogram.sum) ? total <= count_ : total == count_) {
    histogram.form = Histogram::Form::kFloat;
  }
}

void Decoder::Settle() {
  if (!is_float_) SettleIntegers();
  if (sample_.histogram.schema > kSchemaMax && sample_.histogram.schema <= kWireSchemaMax) {
    ReduceResolution(kSchemaMax, &sample_.histogram);
  }
}

}  // namespace

HistogramSample DecodeHistogram(WireReader message, RemoteWriteVersion version) {
  return Decoder(message, version).Run();
}

}  // namespace varve::server
