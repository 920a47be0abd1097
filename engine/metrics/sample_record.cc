#include "engine/metrics/sample_record.h"

#include <cstring>

#include "base/bytes.h"

namespace varve::engine {
namespace {

constexpr uint8_t kVersion = 1;

enum class RunShape : uint8_t {  // on disk
  kOneSampleEach = 0,
  kCounted = 1,
};

Status Damaged(const char* what) { return DataLossError(std::string("sample record: ") + what); }

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

}  // namespace

void EncodeSampleRecord(PreparedBatch* batch) {
  const uint64_t sample_count = SampleCount(batch->runs);
  const RunShape shape = ShapeOf(batch->runs);
  size_t room = 2 + 2 * kVarint64BytesMax + batch->runs.size() * 2 * kVarint64BytesMax +
                sample_count * (kVarint64BytesMax + sizeof(double));
  for (const NewSeries& series : batch->created)
    room += 2 * kVarint64BytesMax + series.labels.size();
  if (batch->journal_buffer.size() < room) batch->journal_buffer.resize(room);
  auto* const begin = reinterpret_cast<uint8_t*>(batch->journal_buffer.data());

  uint8_t* out = begin;
  *out++ = kVersion;
  out = EncodeVarint(out, batch->created.size());
  for (const NewSeries& series : batch->created) {
    out = EncodeVarint(out, series.id);
    out = EncodeVarint(out, series.labels.size());
    std::memcpy(out, series.labels.data(), series.labels.size());
    out += series.labels.size();
  }
  out = EncodeVarint(out, batch->runs.size());
  *out++ = static_cast<uint8_t>(shape);
  int64_t previous_id = 0;
  for (const SeriesRun& run : batch->runs) {
    out = EncodeVarint(out, ZigZagEncode(int64_t{run.id} - previous_id));
    previous_id = run.id;
    if (shape == RunShape::kCounted) out = EncodeVarint(out, run.sample_count);
  }
  uint64_t previous_time = 0;
  for (const SeriesRun& run : batch->runs) {
    for (const Sample& sample : batch->samples.subspan(run.sample_begin, run.sample_count)) {
      const auto time = static_cast<uint64_t>(sample.timestamp_ms);
      out = EncodeVarint(out, ZigZagEncode(static_cast<int64_t>(time - previous_time)));
      previous_time = time;
    }
  }
  for (const SeriesRun& run : batch->runs) {
    for (const Sample& sample : batch->samples.subspan(run.sample_begin, run.sample_count)) {
      std::memcpy(out, &sample.value, sizeof sample.value);
      out += sizeof sample.value;
    }
  }
  batch->journal_body =
      std::string_view(batch->journal_buffer).substr(0, static_cast<size_t>(out - begin));
}

Status DecodeSampleRecord(std::string_view body, SampleRecord* record) {
  record->created.clear();
  record->runs.clear();
  record->samples.clear();
  ByteReader reader(body);
  if (reader.Fixed<uint8_t>() != kVersion) return Damaged("unknown version");
  const uint64_t created_count = reader.Varint();
  if (created_count > reader.remaining()) return Damaged("series count exceeds the bytes");
  for (uint64_t i = 0; i < created_count; ++i) {
    const uint64_t id = reader.Varint();
    const std::string_view labels = reader.LengthPrefixed();
    if (!reader.ok() || id >= index::kNoSeriesId) return Damaged("bad series");
    record->created.push_back({static_cast<index::SeriesId>(id), labels});
  }
  const uint64_t run_count = reader.Varint();
  const auto shape = static_cast<RunShape>(reader.Fixed<uint8_t>());
  if (!reader.ok() || run_count > reader.remaining()) return Damaged("run count exceeds the bytes");
  if (shape != RunShape::kOneSampleEach && shape != RunShape::kCounted)
    return Damaged("unknown shape");
  record->runs.reserve(run_count);
  int64_t id = 0;
  uint64_t sample_count = 0;
  for (uint64_t i = 0; i < run_count; ++i) {
    id = static_cast<int64_t>(static_cast<uint64_t>(id) +
                              static_cast<uint64_t>(reader.SignedVarint()));
    const uint64_t count = shape == RunShape::kCounted ? reader.Varint() : 1;
    if (!reader.ok() || id < 0 || id >= index::kNoSeriesId || count > reader.remaining())
      return Damaged("bad run");
    record->runs.push_back({static_cast<index::SeriesId>(id), static_cast<uint32_t>(sample_count),
                            static_cast<uint32_t>(count), 0});
    sample_count += count;
    // Every sample takes at least nine more bytes.
    if (sample_count > reader.remaining() / 9 + 1) return Damaged("sample count exceeds the bytes");
  }
  record->samples.resize(sample_count);
  uint64_t time = 0;
  for (Sample& sample : record->samples) {
    time += static_cast<uint64_t>(reader.SignedVarint());
    sample.timestamp_ms = static_cast<int64_t>(time);
  }
  for (Sample& sample : record->samples) sample.value = reader.Fixed<double>();
  if (!reader.ok()) return Damaged("ends early");
  if (!reader.done()) return Damaged("bytes after the end");
  return OkStatus();
}

}  // namespace varve::engine
