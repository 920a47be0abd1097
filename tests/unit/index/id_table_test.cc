#include "index/id_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace varve::index {
namespace {

TEST(IdTableTest, FindsNothingWhenEmpty) {
  const IdTable table;
  EXPECT_EQ(table.Find(5, [](uint32_t) { return true; }), IdTable::kNoId);
  table.Prefetch(5);
}

TEST(IdTableTest, AsksTheOwnerAboutEqualTags) {
  IdTable table;
  for (uint32_t id = 0; id < 100; ++id) table.Insert(42, id);
  for (uint32_t id = 0; id < 100; ++id) {
    EXPECT_EQ(table.Find(42, [&](uint32_t candidate) { return candidate == id; }), id);
  }
  table.Erase(42, 17);
  EXPECT_EQ(table.Find(42, [](uint32_t candidate) { return candidate == 17; }), IdTable::kNoId);
  EXPECT_EQ(table.size(), 99u);
}

// Tags are drawn from few values at both ends of the range, so that runs wrap around the end of the
// table.
TEST(IdTableTest, BehavesLikeAMultimap) {
  std::mt19937 random(3);
  IdTable table;
  std::map<uint32_t, uint32_t> twin;  // id -> tag
  for (int step = 0; step < 60000; ++step) {
    const bool growing = (step / 10000) % 2 == 0;
    if (random() % 8 < (growing ? 6u : 2u)) {
      const uint32_t id = static_cast<uint32_t>(step);
      const uint32_t tag = random() % 3 == 0
                               ? random()
                               : (random() % 2 == 0 ? UINT32_MAX - random() % 50 : random() % 9);
      table.Insert(tag, id);
      twin[id] = tag;
    } else if (!twin.empty()) {
      auto it = twin.lower_bound(random() % static_cast<uint32_t>(step + 1));
      if (it == twin.end()) it = twin.begin();
      table.Erase(it->second, it->first);
      twin.erase(it);
    }
    if (step % 10000 == 9999) {
      table.ShrinkToFit();
      ASSERT_EQ(table.size(), twin.size());
      for (const auto& entry : twin) {
        const uint32_t id = entry.first;
        ASSERT_EQ(table.Find(entry.second, [&](uint32_t candidate) { return candidate == id; }),
                  id);
      }
    }
  }
}

TEST(IdTableTest, GivesBackRoom) {
  IdTable table;
  for (uint32_t id = 0; id < 10000; ++id) table.Insert(id * 429496u, id);
  EXPECT_LT(table.memory_bytes(), 10000 * 17u);
  for (uint32_t id = 0; id < 9990; ++id) table.Erase(id * 429496u, id);
  table.ShrinkToFit();
  EXPECT_LT(table.memory_bytes(), 1000u);
  for (uint32_t id = 9990; id < 10000; ++id) {
    EXPECT_EQ(table.Find(id * 429496u, [&](uint32_t candidate) { return candidate == id; }), id);
  }
}

}  // namespace
}  // namespace varve::index
