#include "server/otlp/point_messages.h"

#include <bit>

#include "base/varint.h"

namespace varve::server {
namespace {

constexpr uint32_t Fixed(uint32_t field) { return WireTag(field, WireType::kFixed64); }
constexpr uint32_t Var(uint32_t field) { return WireTag(field, WireType::kVarint); }
constexpr uint32_t Len(uint32_t field) { return WireTag(field, WireType::kBytes); }

uint64_t ReadTime(WireReader* message) { return message->Fixed64("the 8 bytes of a time"); }

// sfixed64 as a number.
double ReadInteger(WireReader* message) {
  const uint64_t bits = message->Fixed64("the 8 bytes of an integer value");
  return static_cast<double>(std::bit_cast<int64_t>(bits));
}

OtlpExemplar ReadExemplar(WireReader message) {
  OtlpExemplar exemplar;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Fixed(2):
        exemplar.time_ns = ReadTime(&message);
        break;
      case Fixed(3):
        exemplar.value = message.Double("the 8 bytes of an exemplar's value");
        break;
      case Len(4):
        exemplar.span_id = message.Bytes("the length of a span id");
        break;
      case Len(5):
        exemplar.trace_id = message.Bytes("the length of a trace id");
        break;
      case Fixed(6):
        exemplar.value = ReadInteger(&message);
        break;
      case Len(7):
        exemplar.attributes.push_back(
            ReadAttribute(message.Message("the length of an exemplar's attribute")));
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  return exemplar;
}

void ReadFixedCounts(WireReader message, std::vector<uint64_t>* counts) {
  while (!message.done()) counts->push_back(message.Fixed64("the 8 bytes of a bucket's count"));
}

OtlpBuckets ReadBuckets(WireReader message, OtlpBuckets buckets) {
  buckets.offset = 0;
  buckets.counts.clear();
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Var(1)) {
      const auto raw = static_cast<uint32_t>(message.Varint("a bucket offset"));
      buckets.offset = static_cast<int32_t>(ZigZagDecode(raw));
    } else if (tag == Var(2)) {
      buckets.counts.push_back(message.Varint("a bucket's count"));
    } else if (tag == Len(2)) {
      for (WireReader run = message.Message("the length of bucket counts"); !run.done();) {
        buckets.counts.push_back(run.Varint("a bucket's count"));
      }
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return buckets;
}

OtlpPoint::Quantile ReadQuantile(WireReader message) {
  OtlpPoint::Quantile quantile;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == Fixed(1)) {
      quantile.quantile = message.Double("the 8 bytes of a quantile");
    } else if (tag == Fixed(2)) {
      quantile.value = message.Double("the 8 bytes of a quantile's value");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return quantile;
}

void TakeAttribute(WireReader* message, OtlpPoint* point) {
  point->attributes.push_back(ReadAttribute(message->Message("the length of an attribute")));
}

void TakeExemplar(WireReader* message, OtlpPoint* point) {
  point->exemplars.push_back(ReadExemplar(message->Message("the length of an exemplar")));
}

void TakeSum(WireReader* message, OtlpPoint* point) {
  point->sum = message->Double("the 8 bytes of a sum");
  point->has_sum = true;
}

void TakeCount(WireReader* message, OtlpPoint* point) {
  point->count = message->Fixed64("the 8 bytes of a count");
}

void TakeFlags(WireReader* message, OtlpPoint* point) {
  point->flags = static_cast<uint32_t>(message->Varint("the flags of a data point"));
}

}  // namespace

void OtlpPoint::Clear() {
  at = nullptr;
  start_ns = time_ns = 0;
  flags = 0;
  attributes.clear();
  exemplars.clear();
  value = 0;
  has_value = false;
  count = 0;
  sum = 0;
  has_sum = false;
  bucket_counts.clear();
  bounds.clear();
  scale = 0;
  zero_count = 0;
  zero_threshold = 0;
  positive.offset = negative.offset = 0;
  positive.counts.clear();
  negative.counts.clear();
  quantiles.clear();
}

void ReadNumberPoint(WireReader message, OtlpPoint* point) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Fixed(2):
        point->start_ns = ReadTime(&message);
        break;
      case Fixed(3):
        point->time_ns = ReadTime(&message);
        break;
      case Fixed(4):
        point->value = message.Double("the 8 bytes of a value");
        point->has_value = true;
        break;
      case Fixed(6):
        point->value = ReadInteger(&message);
        point->has_value = true;
        break;
      case Len(5):
        TakeExemplar(&message, point);
        break;
      case Len(7):
        TakeAttribute(&message, point);
        break;
      case Var(8):
        TakeFlags(&message, point);
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
}

void ReadHistogramPoint(WireReader message, OtlpPoint* point) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Fixed(2):
        point->start_ns = ReadTime(&message);
        break;
      case Fixed(3):
        point->time_ns = ReadTime(&message);
        break;
      case Fixed(4):
        TakeCount(&message, point);
        break;
      case Fixed(5):
        TakeSum(&message, point);
        break;
      case Fixed(6):
        point->bucket_counts.push_back(message.Fixed64("the 8 bytes of a bucket's count"));
        break;
      case Len(6):
        ReadFixedCounts(message.Message("the length of bucket counts"), &point->bucket_counts);
        break;
      case Fixed(7):
        point->bounds.push_back(message.Double("the 8 bytes of a bucket's bound"));
        break;
      case Len(7):
        for (WireReader run = message.Message("the length of bucket bounds"); !run.done();) {
          point->bounds.push_back(run.Double("the 8 bytes of a bucket's bound"));
        }
        break;
      case Len(8):
        TakeExemplar(&message, point);
        break;
      case Len(9):
        TakeAttribute(&message, point);
        break;
      case Var(10):
        TakeFlags(&message, point);
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
}

void ReadExponentialPoint(WireReader message, OtlpPoint* point) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Len(1):
        TakeAttribute(&message, point);
        break;
      case Fixed(2):
        point->start_ns = ReadTime(&message);
        break;
      case Fixed(3):
        point->time_ns = ReadTime(&message);
        break;
      case Fixed(4):
        TakeCount(&message, point);
        break;
      case Fixed(5):
        TakeSum(&message, point);
        break;
      case Var(6): {
        const auto raw = static_cast<uint32_t>(message.Varint("a scale"));
        point->scale = static_cast<int32_t>(ZigZagDecode(raw));
        break;
      }
      case Fixed(7):
        point->zero_count = message.Fixed64("the 8 bytes of a zero count");
        break;
      case Len(8):
        point->positive = ReadBuckets(message.Message("the length of positive buckets"),
                                      std::move(point->positive));
        break;
      case Len(9):
        point->negative = ReadBuckets(message.Message("the length of negative buckets"),
                                      std::move(point->negative));
        break;
      case Var(10):
        TakeFlags(&message, point);
        break;
      case Len(11):
        TakeExemplar(&message, point);
        break;
      case Fixed(14):
        point->zero_threshold = message.Double("the 8 bytes of a zero threshold");
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
}

void ReadSummaryPoint(WireReader message, OtlpPoint* point) {
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case Fixed(2):
        point->start_ns = ReadTime(&message);
        break;
      case Fixed(3):
        point->time_ns = ReadTime(&message);
        break;
      case Fixed(4):
        TakeCount(&message, point);
        break;
      case Fixed(5):
        TakeSum(&message, point);
        break;
      case Len(6):
        point->quantiles.push_back(
            ReadQuantile(message.Message("the length of a summary's quantile")));
        break;
      case Len(7):
        TakeAttribute(&message, point);
        break;
      case Var(8):
        TakeFlags(&message, point);
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
}

}  // namespace varve::server
