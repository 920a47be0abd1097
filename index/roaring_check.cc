#include "index/roaring_check.h"

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace varve::index {
namespace {

constexpr uint32_t kCookieNoRuns = 12346;
constexpr uint32_t kCookieRuns = 12347;  // low half; the high half is the container count less one
constexpr uint32_t kContainerCountMax = 65536;
constexpr uint32_t kOffsetsFromContainers = 4;  // fewer containers with runs go without offsets
constexpr uint32_t kArrayCardinalityMax = 4096;
constexpr size_t kBitsetBytes = 8192;

Status Malformed(const char* what) { return DataLossError(std::string("roaring bitmap: ") + what); }

struct Container {
  uint32_t key = 0;
  uint32_t cardinality = 0;
  bool has_runs = false;
};

uint16_t LoadU16(std::string_view bytes, size_t i) {
  uint16_t v;
  std::memcpy(&v, bytes.data() + i * sizeof v, sizeof v);
  return v;
}

// Each yields the container's largest value through `last`.
Status CheckRuns(ByteReader* reader, uint32_t cardinality, uint32_t* last) {
  const uint16_t run_count = reader->Fixed<uint16_t>();
  const std::string_view runs = reader->Bytes(size_t{run_count} * 4);
  if (!reader->ok()) return Malformed("runs are cut off");
  uint64_t total = 0;
  int64_t previous_end = -1;  // the last value of the run before
  for (size_t i = 0; i < run_count; ++i) {
    const int64_t start = LoadU16(runs, 2 * i);
    const int64_t end = start + LoadU16(runs, 2 * i + 1);
    if (end > UINT16_MAX) return Malformed("a run leaves its container");
    if (start <= previous_end) return Malformed("runs overlap or are out of order");
    total += static_cast<uint64_t>(end - start) + 1;
    previous_end = end;
  }
  if (total != cardinality) return Malformed("runs contradict the cardinality");
  *last = static_cast<uint32_t>(previous_end);
  return OkStatus();
}

Status CheckArray(ByteReader* reader, uint32_t cardinality, uint32_t* last) {
  const std::string_view values = reader->Bytes(size_t{cardinality} * 2);
  if (!reader->ok()) return Malformed("an array is cut off");
  int32_t previous = -1;
  for (size_t i = 0; i < cardinality; ++i) {
    const int32_t value = LoadU16(values, i);
    if (value <= previous) return Malformed("array values do not ascend");
    previous = value;
  }
  *last = static_cast<uint32_t>(previous);
  return OkStatus();
}

Status CheckBitset(ByteReader* reader, uint32_t cardinality, uint32_t* last) {
  const std::string_view words = reader->Bytes(kBitsetBytes);
  if (!reader->ok()) return Malformed("a bitset is cut off");
  uint32_t total = 0;
  for (uint32_t i = 0; i < kBitsetBytes / 8; ++i) {
    uint64_t word;
    std::memcpy(&word, words.data() + size_t{i} * 8, sizeof word);
    if (word == 0) continue;
    total += static_cast<uint32_t>(std::popcount(word));
    *last = i * 64 + 63 - static_cast<uint32_t>(std::countl_zero(word));
  }
  return total == cardinality ? OkStatus() : Malformed("a bitset contradicts the cardinality");
}

Result<std::vector<Container>> ReadHeader(ByteReader* reader) {
  const uint32_t cookie = reader->Fixed<uint32_t>();
  const bool runs_possible = (cookie & 0xffff) == kCookieRuns;
  if (!runs_possible && cookie != kCookieNoRuns) return Malformed("unknown cookie");
  const uint32_t count = runs_possible ? (cookie >> 16) + 1 : reader->Fixed<uint32_t>();
  if (!reader->ok() || count == 0 || count > kContainerCountMax)
    return Malformed("bad container count");
  const std::string_view run_flags = reader->Bytes(runs_possible ? (count + size_t{7}) / 8 : 0);
  const std::string_view descriptors = reader->Bytes(size_t{count} * 4);
  if (!reader->ok()) return Malformed("the header is cut off");
  std::vector<Container> containers(count);
  for (uint32_t i = 0; i < count; ++i) {
    containers[i].key = LoadU16(descriptors, 2 * size_t{i});
    containers[i].cardinality = LoadU16(descriptors, 2 * size_t{i} + 1) + 1u;
    containers[i].has_runs = runs_possible && ((run_flags[i / 8] >> (i % 8)) & 1) != 0;
    if (i > 0 && containers[i].key <= containers[i - 1].key)
      return Malformed("containers do not ascend");
  }
  return containers;
}

}  // namespace

Status CheckPortableRoaring(std::string_view bytes, uint64_t limit) {
  ByteReader reader(bytes);
  ASSIGN_OR_RETURN(const std::vector<Container> containers, ReadHeader(&reader));
  const bool runs_possible = LoadU16(bytes, 0) == kCookieRuns;
  std::string_view offsets;
  if (!runs_possible || containers.size() >= kOffsetsFromContainers)
    offsets = reader.Bytes(containers.size() * 4);
  if (!reader.ok()) return Malformed("the header is cut off");
  uint32_t last = 0;
  for (size_t i = 0; i < containers.size(); ++i) {
    const Container& container = containers[i];
    if (!offsets.empty()) {
      uint32_t offset;
      std::memcpy(&offset, offsets.data() + i * 4, sizeof offset);
      if (offset != reader.offset()) return Malformed("an offset is wrong");
    }
    if (container.has_runs) {
      RETURN_IF_ERROR(CheckRuns(&reader, container.cardinality, &last));
    } else if (container.cardinality <= kArrayCardinalityMax) {
      RETURN_IF_ERROR(CheckArray(&reader, container.cardinality, &last));
    } else {
      RETURN_IF_ERROR(CheckBitset(&reader, container.cardinality, &last));
    }
  }
  if (!reader.done()) return Malformed("bytes follow the last container");
  if ((uint64_t{containers.back().key} << 16) + last >= limit)
    return Malformed("a value is out of range");
  return OkStatus();
}

}  // namespace varve::index
