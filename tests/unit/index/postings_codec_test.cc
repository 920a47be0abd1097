#include "index/postings_codec.h"

#include <gtest/gtest.h>
#include <roaring/roaring.h>

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "index/roaring_check.h"

namespace varve::index {
namespace {

std::string Encode(const std::vector<uint32_t>& ordinals) {
  std::string bytes;
  EncodePostings(ordinals, &bytes);
  return bytes;
}

Result<std::vector<uint32_t>> Decode(std::string_view bytes, uint64_t limit) {
  IdUnion ids;
  const Status status = DecodePostings(bytes, limit, &ids);
  if (!status.ok()) return status;
  return ids.Finish().ToVector();
}

// Ordinals of different shapes: sparse, dense, runs, and one in everything.
std::vector<std::vector<uint32_t>> Shapes() {
  std::mt19937 random(2);
  std::vector<std::vector<uint32_t>> shapes = {
      {0}, {UINT32_MAX - 1}, {0, 1, 2}, {3, 5, 9, 1000, 70000}};
  for (const uint32_t gap : {1u, 2u, 3u, 30u, 1000u, 100000u}) {
    for (const size_t count : {2u, 8u, 9u, 100u, 5000u}) {
      std::vector<uint32_t> ordinals;
      uint32_t next = random() % 100;
      for (size_t i = 0; i < count; ++i) {
        ordinals.push_back(next);
        next += 1 + random() % gap;
      }
      shapes.push_back(ordinals);
    }
  }
  std::vector<uint32_t> runs;
  for (uint32_t start = 7; start < 300000; start += 3000) {
    for (uint32_t i = 0; i < 1500; ++i) runs.push_back(start + i);
  }
  shapes.push_back(runs);
  std::vector<uint32_t> half;
  for (uint32_t i = 0; i < 200000; ++i) {
    if (random() % 2 == 0) half.push_back(i);
  }
  shapes.push_back(half);
  std::vector<uint32_t> all(200000);
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  shapes.push_back(all);
  return shapes;
}

TEST(PostingsCodecTest, ReturnsWhatItWasGiven) {
  bool kinds_seen[4] = {};
  for (const auto& ordinals : Shapes()) {
    const std::string bytes = Encode(ordinals);
    kinds_seen[static_cast<size_t>(bytes[0])] = true;
    const auto decoded = Decode(bytes, uint64_t{ordinals.back()} + 1);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    ASSERT_EQ(*decoded, ordinals);
    // The last ordinal is beyond a smaller part.
    ASSERT_EQ(Decode(bytes, ordinals.back()).status().code(), StatusCode::kDataLoss);
  }
  EXPECT_TRUE(kinds_seen[1] && kinds_seen[2] && kinds_seen[3]);
}

TEST(PostingsCodecTest, IsSmallForWhatIsFrequent) {
  EXPECT_EQ(Encode({100}).size(), 4u);
  std::vector<uint32_t> run(100000);
  for (uint32_t i = 0; i < run.size(); ++i) run[i] = i + 50;
  EXPECT_LE(Encode(run).size(), 8u);
}

TEST(PostingsCodecTest, ReportsDamage) {
  std::mt19937 random(9);
  for (const auto& ordinals : Shapes()) {
    const std::string bytes = Encode(ordinals);
    const size_t step = 1 + bytes.size() / 300;
    for (size_t i = 0; i < bytes.size(); i += step) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (random() % 8)));
      const auto decoded = Decode(damaged, uint64_t{ordinals.back()} + 1);
      if (decoded.ok()) {
        ASSERT_EQ(*decoded, ordinals);
      }
      const auto truncated =
          Decode(std::string_view(bytes).substr(0, i), uint64_t{ordinals.back()} + 1);
      if (truncated.ok()) {
        ASSERT_EQ(*truncated, ordinals);
      }
    }
  }
}

std::string WithChecksum(std::string bytes) {
  if (bytes[0] == 3) {
    AppendFixed(&bytes, Hash64(bytes));
  } else {
    AppendFixed(&bytes, static_cast<uint16_t>(Hash64(bytes)));
  }
  return bytes;
}

// Bytes that carry a right checksum are still not believed.
TEST(PostingsCodecTest, RefusesNonsenseWithARightChecksum) {
  using std::string_literals::operator""s;
  for (const std::string& bytes :
       {"\1"s, "\2"s, "\3"s, "\1\x80"s, "\2\1"s, "\1\x64"s, "\2\0\x64"s, "\2\x63\1"s,
        "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s, "\2\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s,
        "\7\1"s, "\0\1"s}) {
    EXPECT_EQ(Decode(WithChecksum(bytes), 100).status().code(), StatusCode::kDataLoss);
  }
}

std::string Serialize(const std::vector<uint32_t>& values, bool run_optimize) {
  const OwnedRoaring bitmap(roaring_bitmap_of_ptr(values.size(), values.data()));
  if (run_optimize) roaring_bitmap_run_optimize(bitmap.get());
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap.get(), bytes.data());
  return bytes;
}

TEST(RoaringCheckTest, AcceptsWhatCRoaringWrites) {
  for (const auto& values : Shapes()) {
    for (const bool run_optimize : {false, true}) {
      const std::string bytes = Serialize(values, run_optimize);
      const Status status = CheckPortableRoaring(bytes, uint64_t{values.back()} + 1);
      EXPECT_TRUE(status.ok()) << status.ToString();
      EXPECT_FALSE(CheckPortableRoaring(bytes, values.back()).ok());
      EXPECT_FALSE(CheckPortableRoaring(bytes + "x", UINT64_MAX).ok());
      EXPECT_FALSE(CheckPortableRoaring(bytes.substr(0, bytes.size() - 1), UINT64_MAX).ok());
    }
  }
}

// A run from 65000 that is 2,000 long: CRoaring 0.2.66 takes it and corrupts its heap later.
TEST(RoaringCheckTest, RefusesRunsThatLeaveTheirContainer) {
  std::string bytes;
  AppendFixed(&bytes, uint32_t{12347});  // one container
  AppendFixed(&bytes, uint8_t{1});       // with runs
  AppendFixed(&bytes, uint16_t{0});
  AppendFixed(&bytes, uint16_t{1999});
  AppendFixed(&bytes, uint16_t{1});
  AppendFixed(&bytes, uint16_t{65000});
  const std::string head = bytes;
  AppendFixed(&bytes, uint16_t{1999});
  EXPECT_FALSE(CheckPortableRoaring(bytes, UINT64_MAX).ok());
  std::string right = head.substr(0, head.size() - 2);
  AppendFixed(&right, uint16_t{63536});
  AppendFixed(&right, uint16_t{1999});
  EXPECT_TRUE(CheckPortableRoaring(right, UINT64_MAX).ok());
}

// Whatever passes the check is what CRoaring then reads.
TEST(RoaringCheckTest, WhatPassesIsReadSafely) {
  std::mt19937 random(4);
  int passed = 0;
  for (const auto& values : Shapes()) {
    for (const bool run_optimize : {false, true}) {
      const std::string bytes = Serialize(values, run_optimize);
      for (int round = 0; round < 60; ++round) {
        std::string damaged = bytes;
        // The head of the bytes holds the structure.
        const size_t at =
            random() % std::min<size_t>(bytes.size(), round % 2 == 0 ? 64 : bytes.size());
        damaged[at] = static_cast<char>(random());
        if (!CheckPortableRoaring(damaged, UINT64_MAX).ok()) continue;
        ++passed;
        const OwnedRoaring bitmap(
            roaring_bitmap_portable_deserialize_safe(damaged.data(), damaged.size()));
        ASSERT_NE(bitmap, nullptr);
        const IdSet set = IdSet::Borrow(bitmap.get());
        const std::vector<uint32_t> ids = set.ToVector();
        ASSERT_TRUE(std::is_sorted(ids.begin(), ids.end()));
        ASSERT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
        IdUnion united;
        united.AddRange(0, 100000);
        united.AddBitmap(bitmap.get());
        ASSERT_GE(united.Finish().size(), ids.size());
      }
    }
  }
  EXPECT_GT(passed, 10);
}

}  // namespace
}  // namespace varve::index
