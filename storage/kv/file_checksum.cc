#include "storage/kv/file_checksum.h"

#include <string>

#include "base/bytes.h"
#include "base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace varve::kv {
namespace {

constexpr char kName[] = "varve.xxh3";

class Xxh3Generator final : public rocksdb::FileChecksumGenerator {
 public:
  Xxh3Generator() { XXH3_64bits_reset(&state_); }
  void Update(const char* data, size_t size) override { XXH3_64bits_update(&state_, data, size); }
  void Finalize() override { AppendFixed(&checksum_, uint64_t{XXH3_64bits_digest(&state_)}); }
  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return kName; }

 private:
  XXH3_state_t state_;
  std::string checksum_;
};

class Xxh3Factory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext&) override {
    return std::make_unique<Xxh3Generator>();
  }
  const char* Name() const override { return kName; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> MakeXxh3ChecksumFactory() {
  return std::make_shared<Xxh3Factory>();
}

uint64_t ChecksumOf(std::string_view file_checksum) {
  ByteReader reader(file_checksum);
  const uint64_t checksum = reader.Fixed<uint64_t>();
  VARVE_CHECK(reader.ok() && reader.done());
  return checksum;
}

}  // namespace varve::kv
