// Any bytes as a journal segment, and a sound segment with damage: the reader must account for
// every byte, and give back nothing that was not written.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "storage/journal/segment_format.h"
#include "storage/journal/segment_reader.h"

namespace varve::journal {
namespace {

constexpr uint64_t kSeed = 42;

std::vector<Record> ReadAll(std::string_view segment) {
  const bool sound = DecodeSegmentHeader(segment).ok();
  SegmentReader reader(segment, kSeed, sound ? nullptr : "damaged");
  uint64_t at = sound ? kSegmentHeaderBytes : 0;
  std::vector<Record> records;
  while (reader.Next()) {
    at += reader.gap().bytes;
    VARVE_CHECK(reader.record_offset() == at);
    at += reader.record_bytes();
    records.push_back(reader.record());
  }
  VARVE_CHECK(at + reader.tail().bytes == segment.size());
  return records;
}

// Cuts the input into bodies, writes them as records and damages the segment where the input says.
void DamageASegment(std::string_view input) {
  std::vector<std::string_view> bodies;
  std::string segment;
  AppendSegmentHeader({.number = 1}, &segment);
  for (std::string_view rest = input; !rest.empty() && bodies.size() < 16;) {
    bodies.push_back(rest.substr(0, static_cast<uint8_t>(rest[0])));
    rest.remove_prefix(bodies.back().size() + (bodies.back().empty() ? 1 : 0));
    char header[kRecordHeaderBytes];
    EncodeRecordHeader({bodies.size(), RecordKind::kSamples, bodies.back()}, kSeed, header);
    segment.append(header, sizeof header).append(bodies.back());
    segment.append(PaddingBytes(bodies.back().size()), '\0');
  }
  VARVE_CHECK(ReadAll(segment).size() == bodies.size());
  for (size_t i = 0; i + 3 < std::min<size_t>(input.size(), 12); i += 3) {
    const size_t at = static_cast<uint8_t>(input[i]) | size_t{static_cast<uint8_t>(input[i + 1])}
                                                           << 8;
    segment[at % segment.size()] ^= input[i + 2];
  }
  uint64_t last = 0;
  for (const Record& record : ReadAll(segment)) {
    VARVE_CHECK(record.sequence > last && record.sequence <= bodies.size());
    VARVE_CHECK(record.body == bodies[record.sequence - 1]);
    last = record.sequence;
  }
}

}  // namespace
}  // namespace varve::journal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  varve::journal::ReadAll(input);
  varve::journal::DamageASegment(input);
  return 0;
}
