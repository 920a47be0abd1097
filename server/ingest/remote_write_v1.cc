#include <bit>

#include "server/ingest/label_encoder.h"
#include "server/ingest/remote_write.h"
#include "server/ingest/unstored_message.h"
#include "server/ingest/wire_reader.h"

namespace varve::server {
namespace {

constexpr uint32_t kRequestTimeseries = WireTag(1, WireType::kBytes);
constexpr uint32_t kRequestMetadata = WireTag(3, WireType::kBytes);
constexpr uint32_t kV2Symbols = WireTag(4, WireType::kBytes);
constexpr uint32_t kV2Timeseries = WireTag(5, WireType::kBytes);
constexpr uint32_t kSeriesLabels = WireTag(1, WireType::kBytes);
constexpr uint32_t kSeriesSamples = WireTag(2, WireType::kBytes);
constexpr uint32_t kSeriesExemplars = WireTag(3, WireType::kBytes);
constexpr uint32_t kSeriesHistograms = WireTag(4, WireType::kBytes);
constexpr uint32_t kLabelName = WireTag(1, WireType::kBytes);
constexpr uint32_t kLabelValue = WireTag(2, WireType::kBytes);
constexpr uint32_t kSampleValue = WireTag(1, WireType::kFixed64);
constexpr uint32_t kSampleTimestamp = WireTag(2, WireType::kVarint);

const uint8_t* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

// Takes labels as every encoder writes them (name, then value, both shorter than 128 bytes, nothing
// else) off the front of a series. Their bytes are a batch's label bytes already, but for the field
// tags. Stops at anything else, which the general reader then takes up.
void TakeUsualLabels(WireReader* series, const uint8_t* body_end, LabelEncoder* labels) {
  constexpr std::ptrdiff_t kSmallest = 6;  // two empty strings
  const uint8_t* at = series->at();
  const uint8_t* const end = series->end();
  char* out = labels->end();
  while (end - at >= kSmallest && at[0] == kSeriesLabels && at[2] == kLabelName) {
    const size_t label_size = at[1];
    const size_t name_size = at[3];
    if ((label_size | name_size) >= 0x80 || name_size + 4 > label_size) break;
    const uint8_t* const label_end = at + 2 + label_size;
    if (label_end > end) break;
    const uint8_t* const value_tag = at + 4 + name_size;
    const size_t value_size = value_tag[1];
    if (value_tag[0] != kLabelValue || value_tag + 2 + value_size != label_end) break;
    out = LabelEncoder::CopyEncoded(at + 3, name_size + 1, body_end, out);
    out = LabelEncoder::CopyEncoded(value_tag + 1, value_size + 1, body_end, out);
    at = label_end;
  }
  labels->SetEnd(out);
  series->ContinueAt(at);
}

void DecodeLabel(WireReader message, const uint8_t* body_end, LabelEncoder* labels) {
  std::string_view name = message.Empty();
  std::string_view value = name;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kLabelName) [[likely]] {
      name = message.Bytes("the length of a label name");
    } else if (tag == kLabelValue) [[likely]] {
      value = message.Bytes("the length of a label value");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  labels->Put(Unsigned(name), name.size(), body_end);
  labels->Put(Unsigned(value), value.size(), body_end);
}

Sample DecodeSample(WireReader message) {
  Sample sample;
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kSampleValue) {
      sample.value = message.Double("the 8 bytes of a sample value");
    } else if (tag == kSampleTimestamp) {
      sample.timestamp_ms = std::bit_cast<int64_t>(message.Varint("a sample timestamp"));
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return sample;
}

// Every label message makes at most its own size in label bytes, so the series' size bounds them
// together.
void DecodeSeries(WireReader message, const uint8_t* body_end, RemoteWriteScratch* scratch,
                  RemoteWriteContent* content) {
  LabelEncoder labels(scratch->label_bytes.Reserve(message.remaining() + LabelEncoder::kSlack));
  scratch->samples.clear();
  TakeUsualLabels(&message, body_end, &labels);
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    switch (tag) {
      case kSeriesLabels:
        DecodeLabel(message.Message("the length of a label"), body_end, &labels);
        break;
      case kSeriesSamples:
        scratch->samples.push_back(DecodeSample(message.Message("the length of a sample")));
        break;
      case kSeriesExemplars:
        CheckExemplar(message.Message("the length of an exemplar"), RemoteWriteVersion::kV1);
        ++content->exemplar_count;
        break;
      case kSeriesHistograms:
        CheckHistogram(message.Message("the length of a histogram"));
        ++content->histogram_count;
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  if (scratch->samples.empty()) return;
  scratch->batch.BeginEncodedSeries({labels.begin(), labels.size()});
  for (const Sample& sample : scratch->samples) {
    scratch->batch.AddSample(sample.timestamp_ms, sample.value);
  }
}

MetricMetadata DecodeMetadata(WireReader message) {
  MetricMetadata metadata;
  while (!message.done()) {
    const uint8_t* start = message.at();
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kVarint)) {
      const uint64_t type = message.Varint("a metric type");
      if (type > static_cast<uint64_t>(MetricType::kStateset)) {
        message.Fail(start, "a metric type from 0 to 7");
      } else {
        metadata.type = static_cast<MetricType>(type);
      }
    } else if (tag == WireTag(2, WireType::kBytes)) {
      metadata.metric = message.Bytes("the length of a metric family name");
    } else if (tag == WireTag(4, WireType::kBytes)) {
      metadata.help = message.Bytes("the length of a help text");
    } else if (tag == WireTag(5, WireType::kBytes)) {
      metadata.unit = message.Bytes("the length of a unit");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return metadata;
}

}  // namespace

Result<RemoteWriteContent> DecodeRemoteWriteV1(std::string_view body, RemoteWriteScratch* scratch) {
  scratch->batch.Clear();
  RemoteWriteContent content;
  WireError error;
  WireReader request(body, &error);
  const uint8_t* body_end = request.end();
  while (!request.done() && !error.failed()) {
    const uint8_t* start = request.at();
    const uint32_t tag = request.Tag();
    if (tag == kRequestTimeseries) [[likely]] {
      DecodeSeries(request.Message("the length of a time series"), body_end, scratch, &content);
      ++content.series_count;
    } else if (tag == kRequestMetadata) {
      scratch->batch.AddMetadata(DecodeMetadata(request.Message("the length of metadata")));
    } else if (tag == kV2Symbols || tag == kV2Timeseries) {
      // A 2.0 message under the name of a 1.0 one would otherwise be an empty success.
      request.Fail(start,
                   "a field of prometheus.WriteRequest, not of io.prometheus.write.v2.Request");
    } else if (!error.failed()) {
      request.Skip(tag);
    }
  }
  if (error.failed()) return WireErrorStatus(error, body);
  return content;
}

}  // namespace varve::server
