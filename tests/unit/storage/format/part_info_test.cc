#include "storage/format/part_info.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "base/hash.h"

namespace varve::format {
namespace {

PartInfo Example() {
  PartInfo info;
  info.part_id = 0xfedcba9876543210;
  info.signal = Signal::kTraces;
  info.tier = Tier::kRollup;
  info.resolution_ms = 300'000;
  info.pieces = {{-9, -7, 12, true}, {-5, INT64_MAX, UINT64_MAX}};
  info.retention_class = 513;
  info.level = 7;
  info.min_time_ms = -5;
  info.max_time_ms = INT64_MAX;
  info.min_sequence = 12;
  info.max_sequence = UINT64_MAX;
  info.series_count = 3;
  info.sample_count = 1'000'000'000'000;
  info.chunk_count = 400;
  info.files = {{1, 12345, 0x1122334455667788}, {255, 0, 0}};
  return info;
}

std::string Encode(const PartInfo& info) {
  std::string bytes;
  EncodePartInfo(info, &bytes);
  return bytes;
}

// `bytes` with a checksum that fits them again.
std::string Resealed(std::string bytes) {
  bytes.resize(bytes.size() - sizeof(uint64_t));
  AppendFixed(&bytes, Hash64(bytes));
  return bytes;
}

TEST(PartInfo, RoundTrips) {
  PartInfo merged = PartInfo();
  merged.max_time_ms = 500;
  merged.pieces = {{0, 99, 3}, {100, 500, 2}};
  for (const PartInfo& info : {PartInfo(), Example(), merged}) {
    const auto decoded = DecodePartInfo(Encode(info));
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(*decoded, info);
  }
}

TEST(PartInfo, EveryFlippedBitAndTruncationIsDamage) {
  const std::string bytes = Encode(Example());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(DecodePartInfo(damaged).status().code(), StatusCode::kDataLoss) << bit;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodePartInfo(bytes.substr(0, size)).status().code(), StatusCode::kDataLoss) << size;
  }
}

TEST(PartInfo, ANewerFormatIsRefusedAsSuch) {
  std::string bytes = Encode(Example());
  bytes[0] = 4;
  const Status status = DecodePartInfo(Resealed(bytes)).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "catalog entry of format 4, but this version reads up to 3");
}

TEST(PartInfo, ImpossibleValuesAreDamage) {
  const auto message = [](const PartInfo& info) {
    const Status status = DecodePartInfo(Encode(info)).status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    return status.message();
  };
  PartInfo info = Example();
  info.signal = static_cast<Signal>(5);
  EXPECT_EQ(message(info), "catalog entry: unknown signal 5");
  info = Example();
  info.tier = static_cast<Tier>(3);
  EXPECT_EQ(message(info), "catalog entry: unknown tier 3");
  info = Example();
  info.max_time_ms = -6;
  EXPECT_EQ(message(info), "catalog entry: times -5 to -6");
  info = Example();
  info.min_sequence = 13;
  info.max_sequence = 12;
  EXPECT_EQ(message(info), "catalog entry: sequences 13 to 12");
  info = Example();
  info.resolution_ms = -1;
  EXPECT_EQ(message(info), "catalog entry: a resolution of -1 ms");
  info = Example();
  info.pieces[1].begin_ms = -7;
  EXPECT_EQ(message(info), "catalog entry: a piece of -7 to 9223372036854775807");
}

TEST(PartInfo, CountsAreCheckedAgainstTheBytes) {
  std::string bytes = Encode(PartInfo());
  bytes.resize(bytes.size() - sizeof(uint64_t) - 1);  // without the file count
  const std::string head = bytes;
  AppendVarint(&bytes, UINT64_MAX);
  EXPECT_EQ(DecodePartInfo(Resealed(bytes + std::string(8, '\0'))).status().message(),
            "catalog entry: 18446744073709551615 files in 0 bytes");
  EXPECT_EQ(DecodePartInfo(Resealed(head + '\0' + "x" + std::string(8, '\0'))).status().message(),
            "catalog entry: its fields do not add up to its length");
  EXPECT_EQ(DecodePartInfo(Resealed(head + std::string(8, '\0'))).status().code(),
            StatusCode::kDataLoss);
}

}  // namespace
}  // namespace varve::format
