#include "base/xxh64.h"

#include <gtest/gtest.h>

namespace varve {
namespace {

TEST(Xxh64, KnownValues) {
  // From the specification of xxHash and its reference implementation.
  EXPECT_EQ(Xxh64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(Xxh64("a"), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(Xxh64("abc"), 0x44bc2cf5ad770999u);
}

}  // namespace
}  // namespace varve
