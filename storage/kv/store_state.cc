#include "storage/kv/store_state.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace varve::kv {
namespace {

std::string PrefixedKey(char prefix, std::string_view name) {
  std::string key(1, prefix);
  key.append(name);
  return key;
}

// Every value ends in the XXH3 of what stands before it.
void AppendChecksum(std::string* bytes) { AppendFixed(bytes, Hash64(*bytes)); }

Result<std::string_view> CheckedBody(std::string_view bytes, std::string_view what) {
  if (bytes.size() < sizeof(uint64_t)) {
    return DataLossError(std::string(what) + " is cut off: " + std::to_string(bytes.size()) +
                         " bytes");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  ByteReader checksum(bytes.substr(body.size()));
  if (checksum.Fixed<uint64_t>() != Hash64(body)) {
    return DataLossError(std::string(what) + " fails its checksum");
  }
  return body;
}

}  // namespace

std::string FormatKey() { return PrefixedKey(kStoreKeyPrefix, "format"); }
std::string NextPartIdKey() { return PrefixedKey(kStoreKeyPrefix, "next_part_id"); }
std::string SealKey() { return PrefixedKey(kStoreKeyPrefix, "seal"); }
std::string EngineKey(std::string_view key) { return PrefixedKey(kEngineKeyPrefix, key); }

std::string EncodeStoreFormat(const StoreFormat& format) {
  std::string bytes;
  AppendFixed(&bytes, StoreFormat::kVersion);
  AppendFixed(&bytes, format.features);
  AppendFixed(&bytes, format.database_id);
  AppendChecksum(&bytes);
  return bytes;
}

Result<StoreFormat> DecodeStoreFormat(std::string_view bytes) {
  auto body = CheckedBody(bytes, "the store's format record");
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  const auto version = reader.Fixed<uint8_t>();
  if (reader.ok() && version > StoreFormat::kVersion) {
    return FailedPreconditionError("the store's format is version " + std::to_string(version) +
                                   ", this program knows versions up to " +
                                   std::to_string(StoreFormat::kVersion));
  }
  StoreFormat format;
  format.features = reader.Fixed<uint64_t>();
  format.database_id = reader.Fixed<uint64_t>();
  if (!reader.ok() || !reader.done() || version == 0) {
    return DataLossError("the store's format record has " + std::to_string(bytes.size()) +
                         " bytes and version " + std::to_string(version));
  }
  const uint64_t unknown = format.features & ~kKnownFeatures;
  if (unknown != 0) {
    return FailedPreconditionError("the store uses feature bit " +
                                   std::to_string(__builtin_ctzll(unknown)) +
                                   ", which this program does not know: a newer one wrote it");
  }
  return format;
}

std::string EncodeNextPartId(uint64_t next_part_id) {
  std::string bytes;
  AppendFixed(&bytes, next_part_id);
  AppendChecksum(&bytes);
  return bytes;
}

Result<uint64_t> DecodeNextPartId(std::string_view bytes) {
  auto body = CheckedBody(bytes, "the store's next part id");
  if (!body.ok()) return body.status();
  ByteReader reader(*body);
  const auto next_part_id = reader.Fixed<uint64_t>();
  if (!reader.ok() || !reader.done()) {
    return DataLossError("the store's next part id has " + std::to_string(bytes.size()) + " bytes");
  }
  return next_part_id;
}

}  // namespace varve::kv
