// Samples, chunks made of them and labels for the tests of this folder.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/codec/gorilla.h"
#include "storage/format/chunk.h"
#include "storage/format/label_bytes.h"

namespace varve::compaction {

// Value bits by time: NaN payloads and the sign of zero count.
using SampleMap = std::map<int64_t, uint64_t>;

// Chunks and the payloads they point to.
class ChunkList {
 public:
  // One chunk of all of `samples`. REQUIRES: not empty.
  void Add(const SampleMap& samples) {
    std::vector<uint8_t> payload(samples.size() * codec::kGorillaAppendBytesMax +
                                 codec::kGorillaAppendBytesMax);
    codec::GorillaState state;
    for (const auto& [time, bits] : samples) {
      codec::GorillaAppend(&state, payload.data(), time, std::bit_cast<double>(bits));
    }
    payload.resize(codec::GorillaBytes(state));
    payloads_.push_back(std::make_unique<std::vector<uint8_t>>(std::move(payload)));
    format::ChunkView chunk;
    chunk.sample_count = static_cast<uint32_t>(samples.size());
    chunk.min_time_ms = samples.begin()->first;
    chunk.max_time_ms = samples.rbegin()->first;
    chunk.payload = std::string_view(reinterpret_cast<const char*>(payloads_.back()->data()),
                                     payloads_.back()->size());
    chunks_.push_back(chunk);
  }

  std::span<const format::ChunkView> chunks() const { return chunks_; }
  std::vector<format::ChunkView>& mutable_chunks() { return chunks_; }

 private:
  std::vector<format::ChunkView> chunks_;
  std::vector<std::unique_ptr<std::vector<uint8_t>>> payloads_;
};

// {begin: value, begin + step: value + 1, ...}
inline SampleMap Ramp(int64_t begin_ms, int64_t step_ms, int count, double value) {
  SampleMap samples;
  for (int i = 0; i < count; ++i) {
    samples[begin_ms + i * step_ms] = std::bit_cast<uint64_t>(value + i);
  }
  return samples;
}

inline SampleMap ToMap(std::span<const int64_t> timestamps_ms, std::span<const double> values) {
  SampleMap samples;
  for (size_t i = 0; i < timestamps_ms.size(); ++i) {
    samples[timestamps_ms[i]] = std::bit_cast<uint64_t>(values[i]);
  }
  return samples;
}

// REQUIRES: names ascend.
inline std::string LabelBytes(
    std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  std::string bytes;
  for (const auto& [name, value] : labels) format::AppendLabel(name, value, &bytes);
  return bytes;
}

}  // namespace varve::compaction
