// Any bytes as a checkpoint file, as they are and with checksums that fit, and as a head manifest:
// what is restored can be looked at in every way, and the head stays in order.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "engine/metrics/checkpoint.h"

namespace varve::engine {
namespace {

constexpr uint64_t kDatabaseId = 0x1122334455667788;
constexpr size_t kHeaderBytes = 24;
constexpr size_t kFooterBytes = 40;

void Restore(std::string_view bytes) {
  const Options options;
  uint64_t damaged_chunks = 0;
  Head head(options);
  // After an error, too: recovery goes on with what was restored.
  static_cast<void>(RestoreCheckpoint("fuzz", bytes, kDatabaseId, &head, &damaged_chunks).ok());
  head.VisitLabels({{}, INT64_MIN, INT64_MAX}, [](std::string_view) {});
  const HeadSelect everything{{}, INT64_MIN, INT64_MAX};
  format::SampleColumns samples;
  for (const HeadSnapshot& snapshot : head.Snapshot({&everything, 1})) {
    for (const format::ChunkView& chunk : snapshot.chunks) {
      samples.Clear();
      const Status status = format::DecodeChunk(chunk, &samples);
      VARVE_CHECK(samples.size() == (status.ok() ? chunk.sample_count : 0));
    }
  }
}

// The bytes with a header, an index and a footer whose checksums are right, so that the fuzzer gets
// past them.
std::string Sealed(std::string_view bytes) {
  std::string sealed(bytes);
  const std::string_view footer = bytes.substr(bytes.size() - kFooterBytes);
  ByteReader reader(footer);
  const auto offset = reader.Fixed<uint64_t>();
  const size_t room = bytes.size() - kFooterBytes;
  const size_t index_offset =
      offset >= kHeaderBytes && offset <= room ? static_cast<size_t>(offset) : kHeaderBytes;
  const std::string_view index = bytes.substr(index_offset, room - index_offset);
  std::string made;
  AppendFixed(&made, uint64_t{index_offset});
  AppendFixed(&made, uint64_t{index.size()});
  AppendFixed(&made, Hash64(index));
  AppendFixed(&made, Hash64(std::string(bytes.substr(0, kHeaderBytes)) + made));
  made.append(footer.substr(32));  // the magic number
  sealed.replace(room, kFooterBytes, made);
  return sealed;
}

void DecodeManifest(std::string_view bytes) {
  std::string sealed(bytes);
  AppendFixed(&sealed, Hash64(bytes));
  const Result<HeadManifest> manifest = DecodeHeadManifest(sealed);
  if (!manifest.ok()) return;
  const Result<HeadManifest> again = DecodeHeadManifest(EncodeHeadManifest(*manifest));
  VARVE_CHECK(again.ok() && again->files == manifest->files &&
              again->sequence == manifest->sequence);
}

}  // namespace
}  // namespace varve::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  varve::engine::DecodeManifest(bytes);
  varve::engine::Restore(bytes);
  if (size < varve::engine::kHeaderBytes + varve::engine::kFooterBytes) return 0;
  const std::string sealed = varve::engine::Sealed(bytes);
  varve::engine::Restore(sealed);
  return 0;
}
