#include <bit>
#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/wire_reader.h"
#include "server/ingest/histogram_message.h"
#include "server/ingest/label_encoder.h"
#include "server/ingest/remote_write.h"
#include "server/ingest/sample_message.h"

namespace varve::server {
namespace {

constexpr uint32_t kReservedFieldMax = 3;
constexpr uint32_t kRequestSymbols = WireTag(4, WireType::kBytes);
constexpr uint32_t kRequestTimeseries = WireTag(5, WireType::kBytes);
// Of series and exemplars.
constexpr uint32_t kLabelsRefs = WireTag(1, WireType::kBytes);
constexpr uint32_t kLabelsRef = WireTag(1, WireType::kVarint);  // not packed
constexpr uint32_t kSeriesSamples = WireTag(2, WireType::kBytes);
constexpr uint32_t kSeriesHistograms = WireTag(3, WireType::kBytes);
constexpr uint32_t kSeriesExemplars = WireTag(4, WireType::kBytes);
constexpr uint32_t kSeriesMetadata = WireTag(5, WireType::kBytes);
constexpr uint32_t kExemplarValue = WireTag(2, WireType::kFixed64);
constexpr uint32_t kExemplarTimestamp = WireTag(3, WireType::kVarint);

constexpr const char* kExpectedRef = "a reference to a symbol of the table";

struct MetadataRefs {
  bool present = false;
  uint64_t type = 0;
  std::string_view help;
  std::string_view unit;
};

// One request being decoded; lives on the stack of DecodeRemoteWriteV2.
class Decoder {
 public:
  Decoder(std::string_view body, size_t label_bytes_max, RemoteWriteScratch* scratch)
      : body_(body), label_bytes_max_(label_bytes_max), scratch_(scratch) {}

  Result<RemoteWriteContent> Run();

 private:
  Status ReadSymbols();
  Status DecodeSeries(WireReader message);
  // First pass over a series: everything but labels, whose size has to be known before they are
  // written.
  void ReadFields(WireReader message);
  void ReadLabelRefs(WireReader refs);
  void ReadLabelRef(WireReader* reader);
  void ReadExemplar(WireReader message);
  void ReadMetadata(WireReader message);
  void AddMetadata(std::string_view labels);
  std::string_view SymbolAt(WireReader* reader);

  const std::string_view body_;
  const size_t label_bytes_max_;
  RemoteWriteScratch* const scratch_;
  WireError error_;
  RemoteWriteContent content_;
  // Of the series at hand.
  uint64_t encoded_size_ = 0;
  MetadataRefs metadata_;
};

// Symbols may stand anywhere in the message (fields have no order), so they are gathered before any
// series is read.
Status Decoder::ReadSymbols() {
  scratch_->symbols.clear();
  WireReader request(body_, &error_);
  while (!request.done()) {
    const uint8_t* start = request.at();
    const uint32_t tag = request.Tag();
    if (error_.failed()) break;
    if (tag >> 3 <= kReservedFieldMax) {
      // Reserved for this: a 1.0 message under the name of a 2.0 one would otherwise be an empty
      // success.
      request.Fail(start,
                   "a field of io.prometheus.write.v2.Request, not of prometheus.WriteRequest");
    } else if (tag == kRequestSymbols) {
      const std::string_view symbol = request.Bytes("the length of a symbol");
      if (error_.failed()) break;
      scratch_->symbols.push_back({static_cast<uint32_t>(symbol.data() - body_.data()),
                                   static_cast<uint32_t>(symbol.size())});
    } else {
      request.Skip(tag);
    }
  }
  if (error_.failed()) return WireErrorStatus(error_, body_);
  if (!scratch_->symbols.empty() && scratch_->symbols[0].size != 0) {
    const auto& first = scratch_->symbols[0];
    return InvalidArgumentError("byte " + std::to_string(first.offset) + " of " +
                                std::to_string(body_.size()) +
                                " of the decompressed body: expected the first symbol to be empty");
  }
  return OkStatus();
}

std::string_view Decoder::SymbolAt(WireReader* reader) {
  const uint8_t* start = reader->at();
  const uint64_t ref = reader->Varint(kExpectedRef);
  if (ref >= scratch_->symbols.size()) {
    reader->Fail(start, kExpectedRef);
    return {};
  }
  const RemoteWriteScratch::Symbol symbol = scratch_->symbols[ref];
  return body_.substr(symbol.offset, symbol.size);
}

void Decoder::ReadLabelRef(WireReader* reader) {
  const uint8_t* start = reader->at();
  const uint64_t ref = reader->Varint(kExpectedRef);
  if (ref >= scratch_->symbols.size()) [[unlikely]] {
    reader->Fail(start, kExpectedRef);
    return;
  }
  const uint64_t size = scratch_->symbols[ref].size;
  encoded_size_ += VarintLength(size) + size;
  scratch_->refs.push_back(static_cast<uint32_t>(ref));
}

void Decoder::ReadLabelRefs(WireReader refs) {
  while (!refs.done()) ReadLabelRef(&refs);
}

// Bounded by what StagedSeries takes: a reference of one byte can name a symbol of megabytes, so
// the labels stay views until they are known to be few.
void Decoder::ReadExemplar(WireReader message) {
  const uint8_t* start = message.at();
  double value = 0;
  uint64_t timestamp_ms = 0;
  std::vector<std::string_view>& symbols = scratch_->exemplar_symbols;
  symbols.clear();
  while (!message.done()) {
    const uint32_t tag = message.Tag();
    if (tag == kLabelsRefs) {
      WireReader refs = message.Message("the length of an exemplar's label references");
      while (!refs.done()) symbols.push_back(SymbolAt(&refs));
    } else if (tag == kLabelsRef) {
      symbols.push_back(SymbolAt(&message));
    } else if (tag == kExemplarValue) {
      value = message.Double("the 8 bytes of an exemplar's value");
    } else if (tag == kExemplarTimestamp) {
      timestamp_ms = message.Varint("an exemplar's timestamp");
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
  if (symbols.size() % 2 != 0) {
    return message.Fail(start, "an even count of label references in this exemplar");
  }
  scratch_->exemplar_labels.clear();
  for (size_t i = 0; i < symbols.size(); i += 2) {
    scratch_->exemplar_labels.push_back({symbols[i], symbols[i + 1]});
  }
  scratch_->series.AddExemplar(scratch_->exemplar_labels, value,
                               std::bit_cast<int64_t>(timestamp_ms), start, &message);
}

void Decoder::ReadMetadata(WireReader message) {
  metadata_.present = true;
  while (!message.done()) {
    const uint8_t* start = message.at();
    const uint32_t tag = message.Tag();
    if (tag == WireTag(1, WireType::kVarint)) {
      metadata_.type = message.Varint("a metric type");
      if (metadata_.type > static_cast<uint64_t>(MetricType::kStateset)) {
        message.Fail(start, "a metric type from 0 to 7");
      }
    } else if (tag == WireTag(3, WireType::kVarint)) {
      metadata_.help = SymbolAt(&message);
    } else if (tag == WireTag(4, WireType::kVarint)) {
      metadata_.unit = SymbolAt(&message);
    } else if (!message.failed()) {
      message.Skip(tag);
    }
  }
}

void Decoder::ReadFields(WireReader message) {
  while (!message.done() && !error_.failed()) {
    const uint8_t* start = message.at();
    const uint32_t tag = message.Tag();
    switch (tag) {
      case kLabelsRefs:
        ReadLabelRefs(message.Message("the length of label references"));
        break;
      case kLabelsRef:
        ReadLabelRef(&message);
        break;
      case kSeriesSamples:
        scratch_->series.AddSample(
            DecodeSample<RemoteWriteVersion::kV2>(message.Message("the length of a sample")));
        break;
      case kSeriesHistograms:
        scratch_->series.AddHistogram(
            DecodeHistogram(message.Message("the length of a histogram"), RemoteWriteVersion::kV2),
            start, &message);
        break;
      case kSeriesExemplars:
        ReadExemplar(message.Message("the length of an exemplar"));
        break;
      case kSeriesMetadata:
        ReadMetadata(message.Message("the length of metadata"));
        break;
      default:
        if (!error_.failed()) message.Skip(tag);
    }
    if (message.done() && scratch_->refs.size() % 2 != 0) {
      message.Fail(start, "an even count of label references in this time series");
    }
  }
}

Status Decoder::DecodeSeries(WireReader message) {
  scratch_->series.BeginSeries();
  scratch_->refs.clear();
  encoded_size_ = 0;
  metadata_ = {};
  ReadFields(message);
  if (error_.failed()) return WireErrorStatus(error_, body_);
  ++content_.series_count;
  if (scratch_->batch.label_bytes().size() + encoded_size_ > label_bytes_max_) {
    return OutOfRangeError("the labels of the body expand to more than " +
                           std::to_string(label_bytes_max_) + " bytes");
  }
  LabelEncoder labels(scratch_->label_bytes.Reserve(encoded_size_ + LabelEncoder::kSlack));
  const auto* base = reinterpret_cast<const uint8_t*>(body_.data());
  for (const uint32_t ref : scratch_->refs) {
    const RemoteWriteScratch::Symbol symbol = scratch_->symbols[ref];
    labels.Put(base + symbol.offset, symbol.size, base + body_.size());
  }
  const std::string_view label_bytes(labels.begin(), labels.size());
  if (metadata_.present) AddMetadata(label_bytes);
  scratch_->series.MoveInto(label_bytes, &scratch_->batch);
  return OkStatus();
}

void Decoder::AddMetadata(std::string_view labels) {
  if (metadata_.type == 0 && metadata_.help.empty() && metadata_.unit.empty()) return;
  std::string_view metric;
  WireError none;
  for (WireReader reader(labels, &none); !reader.done();) {
    const std::string_view name = reader.Bytes("a label name");
    const std::string_view value = reader.Bytes("a label value");
    if (name == kMetricNameLabel) metric = value;
  }
  if (metric.empty()) return;
  uint64_t hash = Hash64WithSeed(metric, metadata_.type);
  hash = Hash64WithSeed(metadata_.help, hash);
  hash = Hash64WithSeed(metadata_.unit, hash);
  if (!scratch_->metadata_filter.IsNew(hash)) return;
  MetricMetadata metadata;
  metadata.metric = metric;
  metadata.type = static_cast<MetricType>(metadata_.type);
  metadata.help = metadata_.help;
  metadata.unit = metadata_.unit;
  scratch_->batch.AddMetadata(std::move(metadata));
}

Result<RemoteWriteContent> Decoder::Run() {
  scratch_->BeginMessage();
  RETURN_IF_ERROR(ReadSymbols());
  WireReader request(body_, &error_);
  while (!request.done()) {
    const uint32_t tag = request.Tag();
    if (tag == kRequestTimeseries) {
      RETURN_IF_ERROR(DecodeSeries(request.Message("the length of a time series")));
    } else {
      request.Skip(tag);
    }
  }
  VARVE_CHECK(!error_.failed());  // ReadSymbols walked the same fields
  content_.refused_exemplars = scratch_->series.refused_exemplars();
  return content_;
}

}  // namespace

Result<RemoteWriteContent> DecodeRemoteWriteV2(std::string_view body, size_t label_bytes_max,
                                               RemoteWriteScratch* scratch) {
  scratch->metadata_filter.Forget();
  return Decoder(body, label_bytes_max, scratch).Run();
}

}  // namespace varve::server
