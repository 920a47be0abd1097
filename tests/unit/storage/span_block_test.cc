#include "storage/format/span_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/unit/storage/random_spans.h"

namespace varve::format {
namespace {

SpanBlock::Fetch FetchFrom(const SpanBlockBytes& bytes) {
  return [&bytes](uint32_t column) -> Result<std::string> {
    for (const auto& [number, value] : bytes) {
      if (number == column) return value;
    }
    return std::string();
  };
}

struct Written {
  std::vector<std::string> spans;
  std::vector<std::string> origins;
  std::vector<SpanRow> rows;
};

Written MakeRows(uint64_t seed, uint64_t traces) {
  RandomSpans random(seed);
  Written written;
  for (int i = 0; i < 3; ++i) {
    written.origins.push_back(EncodeOrigin("resource " + std::to_string(i), "url"));
  }
  for (uint64_t trace = 0; trace < traces; ++trace) {
    for (uint64_t id = 0; id <= random.Pick(30); ++id) {
      written.spans.push_back(random.Make(trace, id));
    }
  }
  for (const std::string& span : written.spans) {
    written.rows.push_back(
        {written.origins[random.Pick(3)], written.origins[random.Pick(3)], span});
  }
  return written;
}

TEST(SpanBlockTest, WhatIsWrittenIsRead) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Written written = MakeRows(seed, 1 + seed);
    const auto bytes = EncodeSpanBlock(written.rows);
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    auto block = SpanBlock::Open(FetchFrom(*bytes));
    ASSERT_TRUE(block.ok()) << block.status().message();
    ASSERT_EQ(block->row_count(), written.rows.size());
    const auto resources = block->Values(SpanColumn::kResources);
    const auto resource_table = block->Strings(SpanColumn::kResourceTable);
    const auto scopes = block->Values(SpanColumn::kScopes);
    const auto scope_table = block->Strings(SpanColumn::kScopeTable);
    ASSERT_TRUE(resources.ok() && resource_table.ok() && scopes.ok() && scope_table.ok());
    SpanFields span;
    for (uint32_t row = 0; row < written.rows.size(); ++row) {
      const Status status = block->ReadRow(row, &span);
      ASSERT_TRUE(status.ok()) << status.message();
      std::string message;
      AppendSpan(span, &message);
      ASSERT_EQ(message, written.spans[row]) << "seed " << seed << " row " << row;
      ASSERT_EQ((*resource_table)->at((**resources)[row]), written.rows[row].resource);
      ASSERT_EQ((*scope_table)->at((**scopes)[row]), written.rows[row].scope);
    }
  }
}

TEST(SpanBlockTest, AttributeColumnsSayWhichRowsHaveThem) {
  const Written written = MakeRows(7, 5);
  const auto bytes = EncodeSpanBlock(written.rows);
  ASSERT_TRUE(bytes.ok());
  auto block = SpanBlock::Open(FetchFrom(*bytes));
  ASSERT_TRUE(block.ok());
  std::map<std::pair<std::string, uint32_t>, int> expected;
  for (uint32_t row = 0; row < written.rows.size(); ++row) {
    SpanFields span;
    WireError error;
    ReadSpan(WireReader(written.spans[row], &error), &span);
    for (const SpanAttribute& attribute : span.of(span.own_attributes)) {
      ++expected[{std::string(attribute.key) + char('0' + static_cast<int>(attribute.type)), row}];
    }
  }
  std::map<std::pair<std::string, uint32_t>, int> found;
  for (uint32_t i = 0; i < block->header().attributes.size(); ++i) {
    const AttributeColumnInfo& info = block->header().attributes[i];
    if (info.scope != AttributeScope::kSpan) continue;
    const auto rows = block->AttributeRows(i);
    ASSERT_TRUE(rows.ok());
    for (const uint32_t row : **rows) {
      ++found[{info.key + char('0' + static_cast<int>(info.type)), row}];
    }
  }
  EXPECT_EQ(found, expected);
}

TEST(SpanBlockTest, SpansThatCannotBeReadAreRefused) {
  EXPECT_EQ(EncodeSpanBlock({{"", "", "\xff"}}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodeSpanBlock({{"", "", ""}}).status().code(), StatusCode::kInvalidArgument);
}

TEST(SpanBlockTest, DamageIsAnError) {
  const Written written = MakeRows(3, 4);
  const auto whole = EncodeSpanBlock(written.rows);
  ASSERT_TRUE(whole.ok());
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    SpanBlockBytes bytes = *whole;
    auto& [number, value] = bytes[1 + random() % (bytes.size() - 1)];
    if (random() % 3 == 0) {
      value.resize(random() % (value.size() + 1));
    } else {
      value[random() % value.size()] ^= static_cast<char>(1 + random() % 255);
    }
    auto block = SpanBlock::Open(FetchFrom(bytes));
    ASSERT_TRUE(block.ok());
    SpanFields span;
    for (uint32_t row = 0; row < block->row_count(); ++row) {
      if (!block->ReadRow(row, &span).ok()) break;
    }
  }
  SpanBlockBytes bytes = *whole;
  bytes[0].second[3] ^= 1;
  EXPECT_EQ(SpanBlock::Open(FetchFrom(bytes)).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace varve::format
