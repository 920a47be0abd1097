#include "compaction/span_part.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/compaction/store_fixture.h"
#include "tests/unit/storage/random_spans.h"

namespace varve::compaction {
namespace {

struct TestSpan {
  std::string resource;
  std::string scope;
  std::string message;
  friend auto operator<=>(const TestSpan&, const TestSpan&) = default;
};
using Trace = std::multiset<TestSpan>;
using Traces = std::map<std::string, Trace>;  // by id

class SpanPartTest : public StoreFixture {
 protected:
  // Blocks of a few traces each, as a flush writes them: a trace may be in many.
  std::shared_ptr<const kv::Part> WritePart(const std::vector<Traces>& blocks, uint64_t sequence) {
    auto writer = SpanPartWriter::Create(store_.get(), kv::Compression::kFast);
    EXPECT_TRUE(writer.ok());
    for (const Traces& traces : blocks) {
      std::vector<format::SpanRow> rows;
      for (const auto& [id, trace] : traces) {
        for (const TestSpan& span : trace)
          rows.push_back({span.resource, span.scope, span.message});
      }
      const auto block = format::EncodeSpanBlock(rows);
      EXPECT_TRUE(block.ok());
      EXPECT_TRUE((*writer)->Add(*block).ok());
    }
    auto info =
        (*writer)->Finish({.min_sequence = sequence, .max_sequence = sequence, .files = {}});
    EXPECT_TRUE(info.ok()) << info.status().message();
    return Commit(*info);
  }

  Traces MakeTraces(format::RandomSpans* random, uint64_t first, uint64_t count) {
    Traces traces;
    for (uint64_t trace = first; trace < first + count; ++trace) {
      for (uint64_t id = 0; id <= random->Pick(20); ++id) {
        traces[format::Id(trace, format::kTraceIdBytes)].insert(
            {format::EncodeOrigin(random->Pick(2) == 0 ? "r" : "s", "url"),
             format::EncodeOrigin("scope", ""), random->Make(trace, id)});
      }
    }
    return traces;
  }

  static Trace ReadTrace(const SpanPartReader& reader, const std::string& id) {
    Trace trace;
    const auto blocks = reader.FindTrace(id);
    EXPECT_TRUE(blocks.ok());
    for (const uint32_t number : *blocks) {
      auto block = reader.OpenBlock(number);
      EXPECT_TRUE(block.ok());
      const auto resources = *block->Values(format::SpanColumn::kResources);
      const auto scopes = *block->Values(format::SpanColumn::kScopes);
      const auto resource_table = *block->Strings(format::SpanColumn::kResourceTable);
      const auto scope_table = *block->Strings(format::SpanColumn::kScopeTable);
      format::SpanFields span;
      for (uint32_t row = 0; row < block->row_count(); ++row) {
        EXPECT_TRUE(block->ReadRow(row, &span).ok());
        if (span.trace_id != id) continue;
        TestSpan copy;
        format::AppendSpan(span, &copy.message);
        copy.resource = resource_table->at((*resources)[row]);
        copy.scope = scope_table->at((*scopes)[row]);
        trace.insert(std::move(copy));
      }
    }
    return trace;
  }
};

Trace Distinct(const Trace& trace) {
  const std::set<TestSpan> distinct(trace.begin(), trace.end());
  return Trace(distinct.begin(), distinct.end());
}

TEST_F(SpanPartTest, TracesAreFoundByTheirId) {
  format::RandomSpans random(1);
  const Traces traces = MakeTraces(&random, 0, 30);
  const SpanPartReader reader(WritePart({traces}, 1));
  EXPECT_EQ(reader.info().series_count, 30u);
  EXPECT_TRUE(reader.Check().ok()) << reader.Check().message();
  for (const auto& [id, trace] : traces) EXPECT_EQ(ReadTrace(reader, id), trace);
  EXPECT_TRUE(ReadTrace(reader, format::Id(99, format::kTraceIdBytes)).empty());
}

TEST_F(SpanPartTest, AMergeBringsTracesTogetherAndKeepsOneOfEach) {
  format::RandomSpans random(2);
  const Traces a = MakeTraces(&random, 0, 20);
  const Traces b = MakeTraces(&random, 10, 20);
  const Traces c = MakeTraces(&random, 25, 20);
  const std::shared_ptr<const kv::Part> parts[] = {WritePart({a, b}, 1), WritePart({b, c}, 2)};
  Traces all;
  for (const Traces* traces : {&a, &b, &c}) {
    for (const auto& [id, trace] : *traces) all[id].insert(trace.begin(), trace.end());
  }
  auto info = MergeSpanParts(store_.get(), parts, nullptr);
  ASSERT_TRUE(info.ok()) << info.status().message();
  const SpanPartReader reader(Commit(*info));
  EXPECT_EQ(reader.block_count(), 1u);
  EXPECT_EQ(reader.info().max_sequence, 2u);
  EXPECT_EQ(reader.info().level, 1u);
  EXPECT_TRUE(reader.Check().ok()) << reader.Check().message();
  uint64_t spans = 0;
  for (const auto& [id, trace] : all) {
    EXPECT_EQ(ReadTrace(reader, id), Distinct(trace));
    spans += Distinct(trace).size();
  }
  EXPECT_EQ(reader.info().sample_count, spans);
}

TEST_F(SpanPartTest, MergesCanBeCancelled) {
  format::RandomSpans random(3);
  const std::shared_ptr<const kv::Part> parts[] = {WritePart({MakeTraces(&random, 0, 5)}, 1)};
  const std::atomic<bool> cancelled = true;
  EXPECT_EQ(MergeSpanParts(store_.get(), parts, &cancelled).status().code(),
            StatusCode::kCancelled);
}

}  // namespace
}  // namespace varve::compaction
