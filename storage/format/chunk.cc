#include "storage/format/chunk.h"

#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "storage/codec/columns.h"
#include "storage/codec/gorilla.h"
#include "storage/codec/histogram.h"
#include "storage/codec/start_times.h"

namespace varve::format {
namespace {

Status CheckEnds(const ChunkView& chunk, const int64_t* decoded) {
  const uint32_t count = chunk.sample_count;
  if (decoded[0] != chunk.min_time_ms || decoded[count - 1] != chunk.max_time_ms) {
    return DataLossError("chunk times " + std::to_string(decoded[0]) + " to " +
                         std::to_string(decoded[count - 1]) + " contradict its header, " +
                         std::to_string(chunk.min_time_ms) + " to " +
                         std::to_string(chunk.max_time_ms));
  }
  return OkStatus();
}

// `decoded` are the chunk's own timestamps. They cost a pass, but a reader's merge relies on their
// order.
Status CheckTimes(const ChunkView& chunk, const int64_t* decoded) {
  RETURN_IF_ERROR(CheckEnds(chunk, decoded));
  const uint32_t count = chunk.sample_count;
  bool ascending = true;  // without a branch per sample
  for (uint32_t i = 1; i < count; ++i) ascending &= decoded[i - 1] < decoded[i];
  if (!ascending) return DataLossError("chunk times do not ascend strictly");
  return OkStatus();
}

// `start_times` is null for a chunk that has none.
Status DecodeFloats(const ChunkView& chunk, std::string_view gorilla,
                    const std::string_view* start_times, SampleColumns* out) {
  const size_t begin = out->timestamps_ms.size();
  const size_t starts_before = out->start_times_ms.size();
  Status status =
      codec::GorillaDecode(gorilla, chunk.sample_count, &out->timestamps_ms, &out->values);
  if (status.ok()) status = CheckTimes(chunk, out->timestamps_ms.data() + begin);
  if (status.ok() && start_times != nullptr) {
    out->start_times_ms.resize(begin);
    status = codec::DecodeStartTimes(*start_times, out->timestamps_ms, begin, &out->start_times_ms);
  }
  if (!status.ok()) {
    out->timestamps_ms.resize(begin);
    out->values.resize(begin);
    out->start_times_ms.resize(starts_before);
  }
  return status;
}

Status DecodeFloatsWithStartTimes(const ChunkView& chunk, SampleColumns* out) {
  ByteReader in(chunk.payload);
  const std::string_view start_times = in.LengthPrefixed();
  if (!in.ok()) return DataLossError("chunk with start times: its columns do not fit");
  return DecodeFloats(chunk, in.Bytes(in.remaining()), &start_times, out);
}

Status DecodeHistograms(const ChunkView& chunk, codec::HistogramHints hints, SampleColumns* out) {
  const size_t begin = out->histogram_timestamps_ms.size();
  const size_t starts_before = out->histogram_start_times_ms.size();
  out->histogram_start_times_ms.resize(begin);
  Status status =
      codec::HistogramDecode(chunk.payload, chunk.sample_count, &out->histogram_timestamps_ms,
                             &out->histogram_start_times_ms, &out->histograms, hints);
  if (status.ok()) status = CheckTimes(chunk, out->histogram_timestamps_ms.data() + begin);
  if (!status.ok()) {
    out->histogram_timestamps_ms.resize(begin);
    out->histograms.resize(begin);
    out->histogram_start_times_ms.resize(starts_before);
  }
  return status;
}

Status DecodeColumns(const ChunkView& chunk, SampleColumns* out) {
  if (chunk.timestamps_ms == nullptr) {
    return DataLossError("chunk without its time column " + std::to_string(chunk.time_column));
  }
  if (chunk.sample_count > kColumnSamplesMax) {
    return DataLossError("chunk of " + std::to_string(chunk.sample_count) +
                         " samples, more than a column holds");
  }
  ByteReader in(chunk.payload);
  const auto codec = static_cast<codec::ValueCodec>(in.Fixed<uint8_t>());
  RETURN_IF_ERROR(CheckEnds(chunk, chunk.timestamps_ms));
  const std::string_view payload = in.Bytes(in.remaining());
  const size_t begin = out->values.size();
  if (codec == codec::ValueCodec::kConstant) {
    // Most series: written once, not zeroed before.
    double value = 0;
    RETURN_IF_ERROR(codec::DecodeValues(codec, payload, 1, &value));
    out->values.insert(out->values.end(), chunk.sample_count, value);
  } else {
    out->values.resize(begin + chunk.sample_count);
    const Status status =
        codec::DecodeValues(codec, payload, chunk.sample_count, out->values.data() + begin);
    if (!status.ok()) {
      out->values.resize(begin);
      return status;
    }
  }
  out->timestamps_ms.insert(out->timestamps_ms.end(), chunk.timestamps_ms,
                            chunk.timestamps_ms + chunk.sample_count);
  return OkStatus();
}

}  // namespace

void EncodeColumnPayload(std::span<const double> values, std::string* out) {
  VARVE_CHECK(!values.empty() && values.size() <= kColumnSamplesMax);
  const size_t begin = out->size();
  out->push_back(0);
  const codec::ValueCodec codec = codec::EncodeValues(values, out);
  (*out)[begin] = static_cast<char>(codec);
}

std::string JoinStartTimes(std::string_view start_times, std::string_view gorilla) {
  std::string payload;
  payload.reserve(kVarint64BytesMax + start_times.size() + gorilla.size());
  AppendLengthPrefixed(&payload, start_times);
  payload.append(gorilla);
  return payload;
}

Status DecodeChunk(const ChunkView& chunk, SampleColumns* out, codec::HistogramHints hints) {
  if (chunk.sample_count == 0) return DataLossError("chunk without samples");
  switch (chunk.codec) {
    case ChunkCodec::kGorilla:
      return DecodeFloats(chunk, chunk.payload, nullptr, out);
    case ChunkCodec::kHistogram:
      return DecodeHistograms(chunk, hints, out);
    case ChunkCodec::kGorillaStart:
      return DecodeFloatsWithStartTimes(chunk, out);
    case ChunkCodec::kColumns:
      return DecodeColumns(chunk, out);
    case ChunkCodec::kRollup:
      return DataLossError("a chunk of rollups among samples");
  }
  return UnimplementedError("chunk codec " + std::to_string(static_cast<int>(chunk.codec)) +
                            " is not known to this version");
}

}  // namespace varve::format
