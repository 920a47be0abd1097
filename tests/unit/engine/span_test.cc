// Spans through the whole database: memory, journal, parts.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "compaction/span_rows.h"
#include "storage/format/traces_message.h"
#include "tests/unit/engine/database_fixture.h"
#include "tests/unit/storage/random_spans.h"

namespace varve::engine {
namespace {

using Spans = std::multiset<std::string>;

constexpr uint64_t kNowNs = static_cast<uint64_t>(kNowMs) * 1'000'000;

std::string Message(const std::vector<std::string>& spans, const std::string& schema = "url") {
  format::TracesBuilder builder;
  for (const std::string& span : spans) {
    builder.Add(format::EncodeOrigin("", schema), format::EncodeOrigin("", ""), span);
  }
  return builder.Finish();
}

std::string Span(uint64_t trace, uint64_t id, uint64_t start_ns, const std::string& name = "n") {
  const std::string trace_id = trace == 0 ? std::string(16, '\0') : format::Id(trace, 16);
  const std::string span_id = format::Id(id, 8);
  format::SpanFields span;
  span.trace_id = trace_id;
  span.span_id = span_id;
  span.name = name;
  span.start_ns = start_ns;
  span.end_ns = start_ns + 5;
  std::string message;
  format::AppendSpan(span, &message);
  return message;
}

class SpanTest : public DatabaseFixture {
 protected:
  SpanTest() {
    options_.trace_retention_ms = 0;
    options_.span_metrics = false;  // they would be parts, too
  }

  SpanAppendResult AppendSpans(const std::string& message) {
    const auto result = database_->AppendSpans(message);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *result : SpanAppendResult();
  }
  // Span messages of a trace.
  Spans ReadTrace(uint64_t trace) {
    Spans spans;
    const auto data = database_->Trace(format::Id(trace, 16));
    EXPECT_TRUE(data.ok()) << data.status().ToString();
    if (!data.ok() || !data->has_value()) return spans;
    WireError error;
    format::VisitSpans(**data, &error, [&](const format::SpanPlace& place) {
      spans.insert(std::string(place.span));
    });
    EXPECT_FALSE(error.failed());
    return spans;
  }
};

TEST_F(SpanTest, TracesAreReadInEveryState) {
  format::RandomSpans random(1);
  Open();
  std::vector<Spans> expected(20);
  for (int round = 0; round < 6; ++round) {
    for (int message = 0; message < 10; ++message) {
      std::vector<std::string> spans;
      for (int i = 0; i < 20; ++i) {
        const uint64_t trace = 1 + random.Pick(19);
        // Ids start at 1: zeros are refused. Times of some are random: those are refused as well.
        spans.push_back(Span(trace, 1 + random.Pick(1'000'000'000), kNowNs + random.Pick(1000)));
        expected[trace].insert(spans.back());
      }
      AppendSpans(Message(spans));
    }
    const auto check = [&](const char* state) {
      for (uint64_t trace = 1; trace < expected.size(); ++trace) {
        EXPECT_EQ(ReadTrace(trace), expected[trace]) << state << ", trace " << trace;
      }
    };
    check("in memory");
    const Status written = round % 3 == 0   ? database_->Flush()
                           : round % 3 == 1 ? database_->Checkpoint()
                                            : OkStatus();
    ASSERT_TRUE(written.ok()) << written.ToString();
    check("in parts");
    Open();
    check("reopened");
    const auto verified = database_->Verify();
    ASSERT_TRUE(verified.ok());
    EXPECT_TRUE(verified->faults.empty()) << verified->faults[0].what;
  }
  ASSERT_TRUE(database_->Compact().ok());
  for (uint64_t trace = 1; trace < expected.size(); ++trace) {
    EXPECT_EQ(ReadTrace(trace), expected[trace]);
  }
  EXPECT_EQ(database_->Statistics().part_span_count, 1200u);
  EXPECT_EQ(database_->Parts().size(), 1u);
  EXPECT_TRUE(database_->Verify()->faults.empty());
  EXPECT_TRUE(ReadTrace(77).empty());
}

TEST_F(SpanTest, WhatIsSentTwiceIsSeenOnce) {
  Open();
  const std::string message = Message({Span(1, 1, kNowNs), Span(1, 2, kNowNs)});
  AppendSpans(message);
  AppendSpans(message);
  EXPECT_EQ(ReadTrace(1).size(), 2u);
  ASSERT_TRUE(database_->Flush().ok());
  AppendSpans(message);
  EXPECT_EQ(ReadTrace(1).size(), 2u);
  // The same id with other content is another span, and so is one of another resource.
  AppendSpans(Message({Span(1, 1, kNowNs, "other")}));
  AppendSpans(Message({Span(1, 1, kNowNs)}, "another schema"));
  EXPECT_EQ(ReadTrace(1).size(), 4u);
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_EQ(ReadTrace(1).size(), 4u);
  EXPECT_EQ(database_->Statistics().part_span_count, 4u);
}

TEST_F(SpanTest, BadSpansAreRefusedAlone) {
  options_.trace_retention_ms = 1000;
  options_.future_limit_ms = 1000;
  Open();
  const uint64_t ms = 1'000'000;
  std::string long_id = Span(1, 9, kNowNs);
  long_id += std::string("\x12\x09", 2) + std::string(9, 'x');  // a span id of nine bytes, the last
  const SpanAppendResult result = AppendSpans(
      Message({Span(1, 1, kNowNs), Span(0, 2, kNowNs), Span(1, 3, kNowNs - 1001 * ms),
               Span(1, 4, kNowNs + 1001 * ms), long_id, Span(1, 5, kNowNs - 999 * ms)}));
  EXPECT_EQ(result.spans_appended, 2u);
  EXPECT_EQ(result.spans_rejected, 4u);
  EXPECT_NE(result.example.find("trace id \"00000000000000000000000000000000\""), std::string::npos)
      << result.example;
  EXPECT_EQ(ReadTrace(1).size(), 2u);
  Open();
  EXPECT_EQ(ReadTrace(1).size(), 2u);
  EXPECT_EQ(database_->AppendSpans("\xff\xff").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(database_->Trace("short").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AppendSpans("").spans_appended, 0u);
}

TEST_F(SpanTest, PartsGoWhenTheirSpansAreOld) {
  options_.trace_retention_ms = 3'600'000;
  Open();
  AppendSpans(Message({Span(1, 1, kNowNs)}));
  ASSERT_TRUE(database_->Flush().ok());
  clock_.SetMs(kNowMs + 3'500'000);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(ReadTrace(1).size(), 1u);
  clock_.SetMs(kNowMs + 3'700'000);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_TRUE(ReadTrace(1).empty());
  EXPECT_EQ(database_->Statistics().part_count, 0u);
}

TEST_F(SpanTest, SpansOfManyDaysMakeAPartEach) {
  Open();
  constexpr uint64_t kDayNs = 86'400'000'000'000;
  std::vector<std::string> spans;
  for (uint64_t day = 0; day < 5; ++day) spans.push_back(Span(1, 1 + day, kNowNs - day * kDayNs));
  AppendSpans(Message(spans));
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(database_->Parts().size(), 5u);
  EXPECT_EQ(ReadTrace(1).size(), 5u);
}

}  // namespace
}  // namespace varve::engine
