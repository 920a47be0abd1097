// What a store keeps of itself in the `state` family. Layout: docs/FORMATS.md, "Store: families and
// keys".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::kv {

// On disk. First byte of every key of `state`: whose it is.
inline constexpr char kStoreKeyPrefix = '\0';
inline constexpr char kEngineKeyPrefix = '\1';

std::string FormatKey();
std::string NextPartIdKey();
std::string SealKey();
std::string EngineKey(std::string_view key);

// Bits of the feature mask, on disk: never change one. A bit says that the directory may hold
// something which a version that lacks the bit would misread.
inline constexpr uint64_t kFeatureMetricParts = uint64_t{1} << 0;
inline constexpr uint64_t kFeatureExemplarParts = uint64_t{1} << 1;
inline constexpr uint64_t kFeatureTombstones = uint64_t{1} << 2;
// Native histograms and start times, in parts as in the journal and in checkpoints.
inline constexpr uint64_t kFeatureHistograms = uint64_t{1} << 3;
// Chunks of columns, time columns, catalog entries of version 2.
inline constexpr uint64_t kFeatureColumns = uint64_t{1} << 4;
// Parts of several retention classes.
inline constexpr uint64_t kFeatureRetentionClasses = uint64_t{1} << 5;
// Rollups, and catalog entries of version 3.
inline constexpr uint64_t kFeatureRollups = uint64_t{1} << 6;
// Parts of spans.
inline constexpr uint64_t kFeatureSpanParts = uint64_t{1} << 7;
inline constexpr uint64_t kKnownFeatures =
    kFeatureMetricParts | kFeatureExemplarParts | kFeatureTombstones | kFeatureHistograms |
    kFeatureColumns | kFeatureRetentionClasses | kFeatureRollups | kFeatureSpanParts;

// Written when a directory is created, and again when a version opens it that knows more features.
struct StoreFormat {
  static constexpr uint8_t kVersion = 1;
  uint64_t features = kKnownFeatures;
  uint64_t database_id = 0;
};
std::string EncodeStoreFormat(const StoreFormat& format);
// Error: kDataLoss; kFailedPrecondition for a newer version or an unknown feature (named).
Result<StoreFormat> DecodeStoreFormat(std::string_view bytes);

std::string EncodeNextPartId(uint64_t next_part_id);
// Error: kDataLoss.
Result<uint64_t> DecodeNextPartId(std::string_view bytes);

}  // namespace varve::kv
