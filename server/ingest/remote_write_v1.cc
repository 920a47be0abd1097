#include <bit>

#include "base/wire_reader.h"
#include "server/ingest/histogram_message.h"
#include "server/ingest/label_encoder.h"
#include "server/ingest/remote_write.h"
#include "server/ingest/sample_message.h"

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
constexpr uint32_t kExemplarLabels = WireTag(1, WireType::kBytes);
constexpr uint32_t kExemplarValue = WireTag(2, WireType::kFixed64);
constexpr uint32_t kExemplarTimestamp = WireTag(3, WireType::kVarint);
constexpr uint32_t kLabelName = WireTag(1, WireType::kBytes);
constexpr uint32_t kLabelValue = WireTag(2, WireType::kBytes);

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

LabelView DecodeLabel(WireReader message) {
  LabelView label{message.Empty(), message.Empty()};
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kLabelName) [[likely]] {
      label.name = message.Bytes("the length of a label name");
    } else if (tag == kLabelValue) [[likely]] {
      label.value = message.Bytes("the length of a label value");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  return label;
}

void DecodeExemplar(WireReader message, RemoteWriteScratch* scratch) {
  const uint8_t* start = message.at();
  double value = 0;
  uint64_t timestamp_ms = 0;
  scratch->exemplar_labels.clear();
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kExemplarLabels) {
      scratch->exemplar_labels.push_back(
          DecodeLabel(message.Message("the length of an exemplar's label")));
    } else if (tag == kExemplarValue) {
      value = message.Double("the 8 bytes of an exemplar's value");
    } else if (tag == kExemplarTimestamp) {
      timestamp_ms = message.Varint("an exemplar's timestamp");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  scratch->series.AddExemplar(scratch->exemplar_labels, value, std::bit_cast<int64_t>(timestamp_ms),
                              start, &message);
}

// Every label message makes at most its own size in label bytes, so the series' size bounds them
// together.
void DecodeSeries(WireReader message, const uint8_t* body_end, RemoteWriteScratch* scratch) {
  LabelEncoder labels(scratch->label_bytes.Reserve(message.remaining() + LabelEncoder::kSlack));
  scratch->series.BeginSeries();
  TakeUsualLabels(&message, body_end, &labels);
  while (!message.done()) {
    const uint8_t* start = message.at();
    const uint32_t tag = message.Tag();
    switch (tag) {
      case kSeriesLabels: {
        const LabelView label = DecodeLabel(message.Message("the length of a label"));
        labels.Put(Unsigned(label.name), label.name.size(), body_end);
        labels.Put(Unsigned(label.value), label.value.size(), body_end);
        break;
      }
      case kSeriesSamples:
        scratch->series.AddSample(
            DecodeSample<RemoteWriteVersion::kV1>(message.Message("the length of a sample")));
        break;
      case kSeriesExemplars:
        DecodeExemplar(message.Message("the length of an exemplar"), scratch);
        break;
      case kSeriesHistograms:
        scratch->series.AddHistogram(
            DecodeHistogram(message.Message("the length of a histogram"), RemoteWriteVersion::kV1),
            start, &message);
        break;
      default:
        if (!message.failed()) message.Skip(tag);
    }
  }
  if (message.failed()) return;
  scratch->series.MoveInto({labels.begin(), labels.size()}, &scratch->batch);
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
  scratch->BeginMessage();
  RemoteWriteContent content;
  WireError error;
  WireReader request(body, &error);
  const uint8_t* body_end = request.end();
  while (!request.done() && !error.failed()) {
    const uint8_t* start = request.at();
    const uint32_t tag = request.Tag();
    if (tag == kRequestTimeseries) [[likely]] {
      DecodeSeries(request.Message("the length of a time series"), body_end, scratch);
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
  content.refused_exemplars = scratch->series.refused_exemplars();
  return content;
}

}  // namespace varve::server
