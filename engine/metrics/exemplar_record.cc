#include "engine/metrics/exemplar_record.h"

#include "base/bytes.h"
#include "base/status_macros.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {
namespace {

constexpr uint8_t kVersion = 1;                // on disk
constexpr size_t kSeriesBytesMin = 1 + 4 + 1;  // the shortest labels have four bytes

Status Damaged(const char* what) { return DataLossError(std::string("exemplar record: ") + what); }

}  // namespace

void EncodeExemplarRecord(std::span<const SeriesExemplarViews> series, std::string* out) {
  out->push_back(static_cast<char>(kVersion));
  AppendVarint(out, series.size());
  for (const SeriesExemplarViews& one : series) {
    AppendLengthPrefixed(out, one.labels);
    format::AppendExemplarList(one.exemplars, out);
  }
}

Status DecodeExemplarRecord(std::string_view body, std::vector<SeriesExemplarViews>* series) {
  series->clear();
  ByteReader reader(body);
  if (reader.Fixed<uint8_t>() != kVersion) return Damaged("unknown version");
  const uint64_t count = reader.Varint();
  if (count > reader.remaining() / kSeriesBytesMin)
    return Damaged("series count exceeds the bytes");
  series->resize(count);
  for (SeriesExemplarViews& one : *series) {
    one.labels = reader.LengthPrefixed();
    if (!reader.ok() || one.labels.empty()) return Damaged("a series without labels");
    RETURN_IF_ERROR(format::CheckCanonical(one.labels));
    RETURN_IF_ERROR(format::ReadExemplarList(&reader, &one.exemplars));
  }
  if (!reader.ok()) return Damaged("ends early");
  return reader.done() ? OkStatus() : Damaged("bytes after the end");
}

std::string JoinRecords(std::string_view samples, std::string_view exemplars) {
  std::string joined;
  joined.reserve(kVarint64BytesMax + samples.size() + exemplars.size());
  AppendLengthPrefixed(&joined, samples);
  joined.append(exemplars);
  return joined;
}

Status SplitRecords(std::string_view body, std::string_view* samples, std::string_view* exemplars) {
  ByteReader reader(body);
  *samples = reader.LengthPrefixed();
  *exemplars = reader.Bytes(reader.remaining());
  return reader.ok() ? OkStatus() : Damaged("the samples before it end early");
}

}  // namespace varve::engine
