#include "query/exec/ratio_sample.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/xxh64.h"

namespace varve::promql::exec {
namespace {

TEST(RatioSample, HashesSizesAndBytes) {
  std::string scratch;
  EXPECT_EQ(ReferenceHash(Labels(), &scratch), Xxh64(""));
  EXPECT_EQ(ReferenceHash(Labels{{"a", "bc"}}, &scratch), Xxh64(std::string_view("\1a\2bc", 5)));
  const std::string value(300, 'x');
  ReferenceHash(Labels{{"a", value}}, &scratch);
  EXPECT_EQ(scratch, std::string("\1a\xff\x2c\1\0", 6) + value);
}

TEST(RatioSample, ComplementsPartTheSeries) {
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  for (const uint64_t hash : {uint64_t{0}, uint64_t{1} << 62, uint64_t{1} << 63, max}) {
    for (const double ratio : {0.0, 0.2, 0.5, 0.8}) {
      EXPECT_NE(InRatio(ratio, hash), InRatio(ratio - 1, hash)) << ratio << " " << hash;
    }
  }
  EXPECT_TRUE(InRatio(2, max / 2));
  EXPECT_TRUE(InRatio(-2, 0));
  EXPECT_FALSE(InRatio(0, 0));
}

}  // namespace
}  // namespace varve::promql::exec
