#include "server/remote_read/read_messages.h"

#include <cstdint>
#include <vector>

#include "server/remote_read/crc32c.h"

namespace varve::server {
namespace {

void WriteLabels(uint32_t field, const Labels& labels, ProtoWriter* message) {
  for (const LabelView label : labels) {
    message->Message(field, [&](ProtoWriter* pair) {
      pair->Bytes(1, label.name);
      pair->Bytes(2, label.value);
    });
  }
}

void WriteSpans(uint32_t field, const std::vector<BucketSpan>& spans, ProtoWriter* message) {
  for (const BucketSpan& span : spans) {
    message->Message(field, [&](ProtoWriter* writer) {
      writer->ZigZag(1, span.offset);
      writer->Varint(2, span.length);
    });
  }
}

void WriteDeltas(uint32_t field, const std::vector<double>& buckets, ProtoWriter* message) {
  if (buckets.empty()) return;
  std::string run;
  int64_t last = 0;
  for (const double bucket : buckets) {
    const auto count = static_cast<int64_t>(bucket);
    AppendVarint(&run, ZigZagEncode(count - last));
    last = count;
  }
  message->Bytes(field, run);
}

void WriteDoubles(uint32_t field, const std::vector<double>& values, ProtoWriter* message) {
  if (values.empty()) return;
  std::string run;
  for (const double value : values) AppendFixed(&run, std::bit_cast<uint64_t>(value));
  message->Bytes(field, run);
}

// The counts of either form are alternatives, present also when they are zero.
void WriteHistogram(const HistogramSample& sample, ProtoWriter* message) {
  const Histogram& histogram = sample.histogram;
  const bool is_integer = histogram.form == Histogram::Form::kInteger;
  if (is_integer) {
    message->Varint(1, static_cast<uint64_t>(histogram.count));
  } else {
    message->Double(2, histogram.count);
  }
  message->Double(3, histogram.sum);
  message->ZigZag(4, histogram.schema);
  message->Double(5, histogram.zero_threshold);
  if (is_integer) {
    message->Varint(6, static_cast<uint64_t>(histogram.zero_count));
  } else {
    message->Double(7, histogram.zero_count);
  }
  WriteSpans(8, histogram.negative_spans, message);
  if (is_integer) {
    WriteDeltas(9, histogram.negative_buckets, message);
  } else {
    WriteDoubles(10, histogram.negative_buckets, message);
  }
  WriteSpans(11, histogram.positive_spans, message);
  if (is_integer) {
    WriteDeltas(12, histogram.positive_buckets, message);
  } else {
    WriteDoubles(13, histogram.positive_buckets, message);
  }
  message->Varint(14, static_cast<uint64_t>(histogram.reset_hint));
  message->Signed(15, sample.timestamp_ms);
  WriteDoubles(16, histogram.custom_values, message);
}

}  // namespace

void WriteTimeSeries(const SeriesSamples& series, ProtoWriter* message) {
  WriteLabels(1, series.labels, message);
  for (const Sample& sample : series.samples) {
    // Its size is known, so nothing is allocated for it.
    message->BeginMessage(2, 9 + 1 + VarintLength(static_cast<uint64_t>(sample.timestamp_ms)));
    message->Double(1, sample.value);
    message->Signed(2, sample.timestamp_ms);
  }
  for (const HistogramSample& histogram : series.histograms) {
    message->Message(4, [&](ProtoWriter* writer) { WriteHistogram(histogram, writer); });
  }
}

void AppendFrame(const Labels& labels, std::span<const EncodedChunk> chunks, size_t query_index,
                 std::string* out) {
  std::string body;
  ProtoWriter response(&body);
  response.Message(1, [&](ProtoWriter* series) {
    WriteLabels(1, labels, series);
    for (const EncodedChunk& chunk : chunks) {
      series->Message(2, [&](ProtoWriter* message) {
        message->Signed(1, chunk.min_time_ms);
        message->Signed(2, chunk.max_time_ms);
        message->Varint(3, static_cast<uint64_t>(chunk.encoding));
        message->Bytes(4, chunk.data);
      });
    }
  });
  if (query_index > 0) response.Signed(2, static_cast<int64_t>(query_index));
  AppendVarint(out, body.size());
  AppendBigEndian32(out, Crc32c(body));
  out->append(body);
}

}  // namespace varve::server
