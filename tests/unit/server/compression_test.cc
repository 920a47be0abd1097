#include "server/http/compression.h"

#include <gtest/gtest.h>

#include <string>

namespace varve::server {
namespace {

TEST(CompressionTest, ChoosesWhatTheClientTakes) {
  EXPECT_EQ(ChooseCoding(""), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseCoding("gzip"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("deflate, GZIP;q=0.5"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("gzip, deflate, br, zstd"), ContentCoding::kZstd);
  EXPECT_EQ(ChooseCoding("gzip;q=0, zstd;q=0.000"), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseCoding("br,deflate"), ContentCoding::kIdentity);
}

TEST(CompressionTest, GzipComesBack) {
  for (const size_t size : {0u, 1u, 1000u, 300'000u}) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i * i % 26);
    const Result<std::string> back = GunzipAtMost(Compress(ContentCoding::kGzip, text), size);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(*back, text);
  }
}

TEST(CompressionTest, GunzipKeepsToItsLimit) {
  const std::string bomb = Compress(ContentCoding::kGzip, std::string(10'000'000, 'a'));
  EXPECT_EQ(GunzipAtMost(bomb, 1'000'000).status().code(), StatusCode::kOutOfRange);
}

TEST(CompressionTest, EveryTruncationIsRefused) {
  const std::string bytes = Compress(ContentCoding::kGzip, "some text that is not very long");
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(GunzipAtMost(bytes.substr(0, size), 1000).ok()) << size;
  }
}

}  // namespace
}  // namespace varve::server
