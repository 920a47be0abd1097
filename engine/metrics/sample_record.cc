#include "engine/metrics/sample_record.h"

#include <cstring>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "storage/codec/histogram.h"

namespace varve::engine {
namespace {

// On disk. The second has what few records need: start times and histograms.
constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithExtras = 2;

enum class RunShape : uint8_t {  // on disk
  kOneSampleEach = 0,
  kCounted = 1,
  kCountedBothKinds = 2,  // the only one of kVersionWithExtras, and only there
};

Status Damaged(const std::string& what) { return DataLossError("sample record: " + what); }

uint64_t SampleCount(std::span<const SeriesRun> runs) {
  uint64_t count = 0;
  for (const SeriesRun& run : runs) count += run.sample_count;
  return count;
}

RunShape ShapeOf(std::span<const SeriesRun> runs) {
  for (const SeriesRun& run : runs) {
    if (run.sample_count != 1) return RunShape::kCounted;
  }
  return RunShape::kOneSampleEach;
}

void AppendDifference(int64_t value, int64_t previous, std::string* out) {
  AppendVarint(out, ZigZagEncode(static_cast<int64_t>(static_cast<uint64_t>(value) -
                                                      static_cast<uint64_t>(previous))));
}

int64_t ReadDifference(int64_t previous, ByteReader* in) {
  return static_cast<int64_t>(static_cast<uint64_t>(previous) +
                              static_cast<uint64_t>(in->SignedVarint()));
}

// The histograms of one run as chunks of as many as fit.
void AppendHistograms(std::span<const HistogramSample* const> samples, std::string* out) {
  while (!samples.empty()) {
    codec::HistogramEncoder encoder;
    while (encoder.sample_count() < samples.size() &&
           encoder.HasRoomFor(samples[encoder.sample_count()]->histogram)) {
      const HistogramSample& sample = *samples[encoder.sample_count()];
      encoder.Append(sample.timestamp_ms, sample.start_ms, sample.histogram);
    }
    AppendVarint(out, encoder.sample_count());
    AppendLengthPrefixed(out, encoder.payload());
    samples = samples.subspan(encoder.sample_count());
  }
}

// What follows the floats in kVersionWithExtras.
std::string EncodeExtras(const PreparedBatch& batch) {
  std::string out;
  out.push_back(batch.start_times_ms.empty() ? 0 : 1);
  if (!batch.start_times_ms.empty()) {
    int64_t previous = 0;
    for (const SeriesRun& run : batch.runs) {
      for (uint32_t i = run.sample_begin; i < run.sample_begin + run.sample_count; ++i) {
        AppendDifference(batch.start_ms(i), previous, &out);
        previous = batch.start_ms(i);
      }
    }
  }
  const std::span<const HistogramSample* const> histograms(batch.histograms);
  for (const SeriesRun& run : batch.runs) {
    AppendHistograms(histograms.subspan(run.histogram_begin, run.histogram_count), &out);
  }
  return out;
}

uint8_t* EncodeCreated(std::span<const NewSeries> created, uint8_t* out) {
  out = EncodeVarint(out, created.size());
  for (const NewSeries& series : created) {
    out = EncodeVarint(out, series.id);
    out = EncodeVarint(out, series.labels.size());
    std::memcpy(out, series.labels.data(), series.labels.size());
    out += series.labels.size();
  }
  return out;
}

uint8_t* EncodeRuns(std::span<const SeriesRun> runs, RunShape shape, uint8_t* out) {
  out = EncodeVarint(out, runs.size());
  *out++ = static_cast<uint8_t>(shape);
  int64_t previous_id = 0;
  for (const SeriesRun& run : runs) {
    out = EncodeVarint(out, ZigZagEncode(int64_t{run.id} - previous_id));
    previous_id = run.id;
    if (shape != RunShape::kOneSampleEach) out = EncodeVarint(out, run.sample_count);
    if (shape == RunShape::kCountedBothKinds) out = EncodeVarint(out, run.histogram_count);
  }
  return out;
}

uint8_t* EncodeFloats(const PreparedBatch& batch, uint8_t* out) {
  uint64_t previous_time = 0;
  for (const SeriesRun& run : batch.runs) {
    for (const Sample& sample : batch.samples.subspan(run.sample_begin, run.sample_count)) {
      const auto time = static_cast<uint64_t>(sample.timestamp_ms);
      out = EncodeVarint(out, ZigZagEncode(static_cast<int64_t>(time - previous_time)));
      previous_time = time;
    }
  }
  for (const SeriesRun& run : batch.runs) {
    for (const Sample& sample : batch.samples.subspan(run.sample_begin, run.sample_count)) {
      std::memcpy(out, &sample.value, sizeof sample.value);
      out += sizeof sample.value;
    }
  }
  return out;
}

}  // namespace

void EncodeSampleRecord(PreparedBatch* batch) {
  const uint64_t sample_count = SampleCount(batch->runs);
  const bool plain = batch->start_times_ms.empty() && batch->histograms.empty();
  const std::string extras = plain ? std::string() : EncodeExtras(*batch);
  size_t room = 2 + 2 * kVarint64BytesMax + batch->runs.size() * 3 * kVarint64BytesMax +
                sample_count * (kVarint64BytesMax + sizeof(double)) + extras.size();
  for (const NewSeries& series : batch->created)
    room += 2 * kVarint64BytesMax + series.labels.size();
  if (batch->journal_buffer.size() < room) batch->journal_buffer.resize(room);
  auto* const begin = reinterpret_cast<uint8_t*>(batch->journal_buffer.data());

  uint8_t* out = begin;
  *out++ = plain ? kVersion : kVersionWithExtras;
  out = EncodeCreated(batch->created, out);
  out = EncodeRuns(batch->runs, plain ? ShapeOf(batch->runs) : RunShape::kCountedBothKinds, out);
  out = EncodeFloats(*batch, out);
  if (!plain) {
    std::memcpy(out, extras.data(), extras.size());
    out += extras.size();
  }
  batch->journal_body =
      std::string_view(batch->journal_buffer).substr(0, static_cast<size_t>(out - begin));
}

namespace {

Status DecodeCreated(ByteReader* reader, SampleRecord* record) {
  const uint64_t created_count = reader->Varint();
  if (created_count > reader->remaining()) return Damaged("series count exceeds the bytes");
  for (uint64_t i = 0; i < created_count; ++i) {
    const uint64_t id = reader->Varint();
    const std::string_view labels = reader->LengthPrefixed();
    if (!reader->ok() || id >= index::kNoSeriesId) return Damaged("bad series");
    record->created.push_back({static_cast<index::SeriesId>(id), labels});
  }
  return OkStatus();
}

// Runs and, by their counts, room for the floats.
Status DecodeRuns(uint8_t version, ByteReader* reader, SampleRecord* record) {
  const uint64_t run_count = reader->Varint();
  const auto shape = static_cast<RunShape>(reader->Fixed<uint8_t>());
  if (!reader->ok() || run_count > reader->remaining())
    return Damaged("run count exceeds the bytes");
  if (shape > RunShape::kCountedBothKinds ||
      (shape == RunShape::kCountedBothKinds) != (version == kVersionWithExtras)) {
    return Damaged("unknown shape");
  }
  record->runs.reserve(run_count);
  int64_t id = 0;
  uint64_t sample_count = 0;
  uint64_t histogram_count = 0;
  for (uint64_t i = 0; i < run_count; ++i) {
    id = ReadDifference(id, reader);
    const uint64_t floats = shape == RunShape::kOneSampleEach ? 1 : reader->Varint();
    const uint64_t histograms = shape == RunShape::kCountedBothKinds ? reader->Varint() : 0;
    if (!reader->ok() || id < 0 || id >= index::kNoSeriesId || floats > reader->remaining() ||
        histograms > 8 * reader->remaining()) {
      return Damaged("bad run");
    }
    SeriesRun run;
    run.id = static_cast<index::SeriesId>(id);
    run.sample_begin = static_cast<uint32_t>(sample_count);
    run.sample_count = static_cast<uint32_t>(floats);
    run.histogram_begin = static_cast<uint32_t>(histogram_count);
    run.histogram_count = static_cast<uint32_t>(histograms);
    record->runs.push_back(run);
    sample_count += floats;
    histogram_count += histograms;
    // Every float takes at least nine more bytes, every histogram several bits.
    if (sample_count > reader->remaining() / 9 + 1 || histogram_count > 8 * reader->remaining())
      return Damaged("sample count exceeds the bytes");
  }
  record->samples.resize(sample_count);
  return OkStatus();
}

void DecodeFloats(ByteReader* reader, SampleRecord* record) {
  uint64_t time = 0;
  for (Sample& sample : record->samples) {
    time += static_cast<uint64_t>(reader->SignedVarint());
    sample.timestamp_ms = static_cast<int64_t>(time);
  }
  for (Sample& sample : record->samples) sample.value = reader->Fixed<double>();
}

Status DecodeStartTimes(ByteReader* reader, SampleRecord* record) {
  const auto present = reader->Fixed<uint8_t>();
  if (present > 1) return Damaged("bad flag of start times");
  if (present == 0) return OkStatus();
  if (record->samples.size() > reader->remaining()) return Damaged("ends early");
  record->start_times_ms.reserve(record->samples.size());
  int64_t start_ms = 0;
  for (size_t i = 0; i < record->samples.size(); ++i) {
    start_ms = ReadDifference(start_ms, reader);
    record->start_times_ms.push_back(start_ms);
  }
  return OkStatus();
}

// The histograms of one run.
Status DecodeHistograms(uint64_t count, ByteReader* reader, SampleRecord* record) {
  std::vector<int64_t> timestamps_ms;
  std::vector<int64_t> start_times_ms;
  std::vector<HistogramPtr> histograms;
  while (histograms.size() < count) {
    const uint64_t piece = reader->Varint();
    const std::string_view payload = reader->LengthPrefixed();
    if (!reader->ok() || piece == 0 || piece > count - histograms.size() ||
        piece > codec::kHistogramSampleCountMax) {
      return Damaged("bad histograms");
    }
    RETURN_IF_ERROR(codec::HistogramDecode(payload, static_cast<uint32_t>(piece), &timestamps_ms,
                                           &start_times_ms, &histograms));
  }
  for (size_t i = 0; i < histograms.size(); ++i) {
    record->histograms.push_back({timestamps_ms[i], start_times_ms[i], *histograms[i]});
  }
  return OkStatus();
}

}  // namespace

Status DecodeSampleRecord(std::string_view body, SampleRecord* record) {
  record->Clear();
  ByteReader reader(body);
  const auto version = reader.Fixed<uint8_t>();
  if (version != kVersion && version != kVersionWithExtras) return Damaged("unknown version");
  RETURN_IF_ERROR(DecodeCreated(&reader, record));
  RETURN_IF_ERROR(DecodeRuns(version, &reader, record));
  DecodeFloats(&reader, record);
  if (version == kVersionWithExtras) {
    RETURN_IF_ERROR(DecodeStartTimes(&reader, record));
    for (const SeriesRun& run : record->runs) {
      RETURN_IF_ERROR(DecodeHistograms(run.histogram_count, &reader, record));
    }
  }
  if (!reader.ok()) return Damaged("ends early");
  if (!reader.done()) return Damaged("bytes after the end");
  return OkStatus();
}

}  // namespace varve::engine
