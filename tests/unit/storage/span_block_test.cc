#include "storage/format/span_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/bytes.h"

namespace varve::format {
namespace {

std::string Id(uint64_t n, size_t size) {
  std::string id;
  AppendBigEndian64(&id, n);
  id.resize(size, '\x5a');
  return id;
}

// Owns what the fields of random spans point to.
class RandomSpans {
 public:
  explicit RandomSpans(uint64_t seed) : random_(seed) {}

  std::string Make(uint64_t trace, uint64_t id) {
    SpanFields span;
    texts_.clear();
    span.trace_id = Keep(Id(trace, kTraceIdBytes));
    span.span_id = Keep(Id(id, kSpanIdBytes));
    // Some parents are in the block, some come later than their children, some are themselves.
    if (Pick(5) != 0) span.parent_span_id = Keep(Id(Pick(40), kSpanIdBytes));
    span.trace_state = Text(2);
    span.name = Text(20);
    span.start_ns = Pick(50) == 0 ? random_() : 1'700'000'000'000'000'000 + Pick(1'000'000'000);
    span.end_ns = Pick(50) == 0 ? random_() : span.start_ns + Pick(1'000'000);
    span.kind = static_cast<int32_t>(Pick(6));
    span.status_code = Pick(20) == 0 ? -1 : static_cast<int32_t>(Pick(3));
    span.status_message = Text(2);
    span.flags = static_cast<uint32_t>(Pick(3) * 0x100);
    span.dropped_attributes = static_cast<uint32_t>(Pick(2));
    span.dropped_events = static_cast<uint32_t>(Pick(2));
    span.dropped_links = static_cast<uint32_t>(Pick(2));
    span.own_attributes = Attributes(&span);
    for (size_t i = Pick(4); i > 0; --i) {
      span.events.push_back(
          {span.start_ns + Pick(1000), Text(4), static_cast<uint32_t>(Pick(2)), Attributes(&span)});
    }
    for (size_t i = Pick(3); i > 0; --i) {
      span.links.push_back({Keep(Id(Pick(9), Pick(2) == 0 ? 16 : 8)), Keep(Id(Pick(9), 8)), Text(2),
                            static_cast<uint32_t>(Pick(2)), static_cast<uint32_t>(Pick(2)),
                            Attributes(&span)});
    }
    std::string message;
    AppendSpan(span, &message);
    return message;
  }
  uint64_t Pick(uint64_t n) { return random_() % n; }

 private:
  std::string_view Keep(std::string text) {
    texts_.push_back(std::make_unique<std::string>(std::move(text)));
    return *texts_.back();
  }
  std::string_view Text(uint64_t distinct) {
    const uint64_t n = Pick(distinct);
    return Keep(n == 0 ? "" : "text " + std::to_string(n));
  }
  AttributeRange Attributes(SpanFields* span) {
    const auto begin = static_cast<uint32_t>(span->attributes.size());
    for (size_t i = Pick(6); i > 0; --i) {
      SpanAttribute attribute;
      attribute.key = Keep("key" + std::to_string(Pick(4)));
      attribute.type = static_cast<AttributeType>(Pick(5));
      if (attribute.type == AttributeType::kString) attribute.text = Text(300);
      if (attribute.type == AttributeType::kBool) attribute.bits = Pick(2);
      if (attribute.type == AttributeType::kInt) attribute.bits = random_() >> Pick(64);
      if (attribute.type == AttributeType::kDouble) attribute.bits = random_();
      // An AnyValue of bytes, an empty one.
      if (attribute.type == AttributeType::kOther && Pick(2) == 0)
        attribute.text = Keep("\x3a\x01z");
      span->attributes.push_back(attribute);
    }
    return {begin, static_cast<uint32_t>(span->attributes.size())};
  }

  std::mt19937_64 random_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

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
