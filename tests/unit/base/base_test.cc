#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "base/utf8.h"
#include "base/varint.h"

namespace varve {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgumentError(std::to_string(n) + " is odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

TEST(Status, KeepsCodeAndMessageThroughContext) {
  EXPECT_TRUE(OkStatus().ok());
  EXPECT_EQ(OkStatus().ToString(), "ok");
  EXPECT_TRUE(OkStatus().WithContext("opening").ok());
  const Status status = DataLossError("bad block").WithContext("part 7");
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.ToString(), "data_loss: part 7: bad block");
}

TEST(Result, ReturnsTheFirstError) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().message(), "3 is odd");
  EXPECT_EQ(Quarter(5).status().message(), "5 is odd");
}

TEST(Varint, RoundTripsAtEveryLength) {
  std::string bytes;
  std::vector<uint64_t> values = {
      0, 1, 127, 128, 16383, 16384, std::numeric_limits<uint64_t>::max()};
  for (int shift = 0; shift < 64; ++shift) values.push_back(uint64_t{1} << shift);
  for (const uint64_t value : values) {
    const size_t before = bytes.size();
    AppendVarint(&bytes, value);
    EXPECT_EQ(bytes.size() - before, VarintLength(value));
  }
  ByteReader reader(bytes);
  for (const uint64_t value : values) EXPECT_EQ(reader.Varint(), value);
  EXPECT_TRUE(reader.ok() && reader.done());
}

TEST(Varint, RefusesMoreThan64BitsAndCutOffBytes) {
  for (const std::string& bad :
       {std::string("\x80"), std::string(9, '\xff') + '\x02', std::string(11, '\x80')}) {
    ByteReader reader(bad);
    EXPECT_EQ(reader.Varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(ZigZag, OrdersByMagnitude) {
  for (const int64_t v : {int64_t{0}, int64_t{-1}, int64_t{1}, std::numeric_limits<int64_t>::min(),
                          std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(ZigZagDecode(ZigZagEncode(v)), v);
  }
  EXPECT_EQ(ZigZagEncode(-1), 1u);
  EXPECT_EQ(ZigZagEncode(1), 2u);
}

TEST(ByteReader, StaysFailedAfterTheFirstFailure) {
  std::string bytes;
  AppendFixed(&bytes, uint32_t{7});
  AppendLengthPrefixed(&bytes, "abc");
  AppendBigEndian32(&bytes, 0x01020304);
  ByteReader good(bytes);
  EXPECT_EQ(good.Fixed<uint32_t>(), 7u);
  EXPECT_EQ(good.LengthPrefixed(), "abc");
  EXPECT_EQ(good.BigEndian32(), 0x01020304u);
  EXPECT_TRUE(good.ok() && good.done());
  ByteReader bad(std::string_view(bytes).substr(0, 6));
  bad.Fixed<uint32_t>();
  EXPECT_EQ(bad.LengthPrefixed(), "");
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.Fixed<uint8_t>(), 0);
  EXPECT_EQ(bad.remaining(), 0u);
}

TEST(Hash, IsXxh3) {
  EXPECT_EQ(Hash64(""),
            0x2d06800538d394c2u);  // XXH3_64bits of nothing, seed 0, as xxHash publishes it
  EXPECT_NE(Hash64("a"), Hash64("b"));
  EXPECT_NE(Hash64WithSeed("a", 1), Hash64WithSeed("a", 2));
}

TEST(Utf8, AcceptsWellFormedAndRefusesTheRest) {
  for (const char* good :
       {"", "plain ascii text", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "eight by\xff", "\xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << bad;
  }
  EXPECT_TRUE(IsValidUtf8(std::string_view("a\0b", 3)));
}

TEST(Arena, KeepsPiecesInPlace) {
  Arena arena;
  std::vector<std::string_view> pieces;
  std::vector<std::string> expected;
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    expected.push_back(std::string(random() % 40'000, static_cast<char>('a' + i % 26)));
    pieces.push_back(arena.Copy(expected.back()));
  }
  for (size_t i = 0; i < pieces.size(); ++i) EXPECT_EQ(pieces[i], expected[i]);
}

TEST(ThreadPool, RunsEveryIndexOnceAlsoFromWithinATask) {
  ThreadPool pool("test", 2);
  std::vector<std::atomic<int>> counts(100);
  pool.ParallelFor(10, [&](size_t outer) {
    pool.ParallelFor(10, [&](size_t inner) { ++counts[outer * 10 + inner]; });
  });
  for (const auto& count : counts) EXPECT_EQ(count.load(), 1);
}

TEST(ThreadPool, FinishesWhatIsQueuedBeforeItDies) {
  std::atomic<int> done{0};
  {
    ThreadPool pool("test", 1);
    for (int i = 0; i < 50; ++i) pool.Schedule([&] { ++done; });
  }
  EXPECT_EQ(done.load(), 50);
}

TEST(ManualClock, StandsStillUntilMoved) {
  ManualClock clock(1000);
  EXPECT_EQ(clock.NowMs(), 1000);
  clock.AdvanceMs(5);
  EXPECT_EQ(clock.NowMs(), 1005);
  EXPECT_EQ(clock.SteadyNs(), 1'005'000'000);
}

}  // namespace
}  // namespace varve
