#include "storage/journal/segment_reader.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "storage/journal/segment_format.h"

namespace varve::journal {

SegmentReader::SegmentReader(std::string_view segment, uint64_t seed, const char* header_reason)
    : segment_(segment), seed_(seed) {
  const uint64_t header_bytes = std::min<uint64_t>(segment.size(), kSegmentHeaderBytes);
  if (header_reason != nullptr) {
    AddBad(header_bytes, header_reason);
  } else {
    offset_ = header_bytes;
  }
}

bool SegmentReader::Next() {
  gap_ = {};
  while (offset_ < segment_.size()) {
    const Found found = Examine();
    if (found.reason == nullptr) {
      record_offset_ = offset_;
      offset_ += found.bytes;
      gap_ = std::exchange(bad_, {});
      return true;
    }
    AddBad(found.bytes, found.reason);
  }
  return false;
}

SegmentReader::Found SegmentReader::Examine() {
  const std::string_view rest = segment_.substr(offset_);
  const auto header = DecodeRecordHeader(rest, seed_);
  if (!header) {
    return {std::min<uint64_t>(rest.size(), kRecordAlignment), "record header damaged"};
  }
  // The header is sound, so its length is trusted also where the body is not.
  const std::string_view after = rest.substr(kRecordHeaderBytes);
  if (header->body_bytes > after.size()) return {rest.size(), "record cut off"};
  const std::string_view body = after.substr(0, header->body_bytes);
  // Only the padding may be missing: the body is whole.
  const uint64_t bytes =
      std::min<uint64_t>(rest.size(), kRecordHeaderBytes + body.size() + PaddingBytes(body.size()));
  if (Hash64WithSeed(body, seed_) != header->body_checksum) return {bytes, "record body damaged"};
  record_ = {header->sequence, header->kind, body};
  return {bytes, nullptr};
}

void SegmentReader::AddBad(uint64_t bytes, const char* reason) {
  if (bad_.bytes == 0) bad_ = {offset_, 0, reason};
  bad_.bytes += bytes;
  offset_ += bytes;
}

}  // namespace varve::journal
