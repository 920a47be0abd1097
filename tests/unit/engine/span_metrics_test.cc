// Span metrics through the whole database: what is counted, and that it goes on exactly.
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "engine/traces/duration_histogram.h"
#include "engine/traces/seen_spans.h"
#include "storage/format/traces_message.h"
#include "tests/unit/engine/database_fixture.h"
#include "tests/unit/storage/random_spans.h"

namespace varve::engine {
namespace {

constexpr uint64_t kNowNs = static_cast<uint64_t>(kNowMs) * 1'000'000;

struct SpanSpec {
  uint64_t id = 1;
  uint64_t parent = 0;
  std::string service = "a";
  std::string name = "n";
  int32_t kind = 1;
  int32_t status = 0;
  uint64_t duration_ns = 1'000'000'000;
  uint64_t start_ns = kNowNs;
  std::vector<std::pair<std::string, std::string>> attributes = {};
};

std::string Resource(const std::string& service) {
  format::SpanAttribute attribute;
  attribute.key = "service.name";
  attribute.type = format::AttributeType::kString;
  attribute.text = service;
  std::string resource;
  format::AppendAttribute(1, attribute, &resource);
  return format::EncodeOrigin(resource, "");
}

std::string Message(const std::vector<SpanSpec>& specs) {
  format::TracesBuilder builder;
  for (const SpanSpec& spec : specs) {
    const std::string trace_id = format::Id(7, 16);
    const std::string span_id = format::Id(spec.id, 8);
    const std::string parent_id = spec.parent == 0 ? "" : format::Id(spec.parent, 8);
    format::SpanFields span;
    span.trace_id = trace_id;
    span.span_id = span_id;
    span.parent_span_id = parent_id;
    span.name = spec.name;
    span.kind = spec.kind;
    span.status_code = spec.status;
    span.start_ns = spec.start_ns;
    span.end_ns = spec.start_ns + spec.duration_ns;
    for (const auto& [key, value] : spec.attributes) {
      format::SpanAttribute attribute;
      attribute.key = key;
      attribute.type = format::AttributeType::kString;
      attribute.text = value;
      span.attributes.push_back(attribute);
    }
    span.own_attributes = {0, static_cast<uint32_t>(span.attributes.size())};
    std::string message;
    format::AppendSpan(span, &message);
    builder.Add(Resource(spec.service), format::EncodeOrigin("", ""), message);
  }
  return builder.Finish();
}

class SpanMetricsTest : public DatabaseFixture {
 protected:
  void Send(const std::vector<SpanSpec>& specs) {
    const auto result = database_->AppendSpans(Message(specs));
    ASSERT_TRUE(result.ok()) << result.status().ToString();
  }
  void Flush() { ASSERT_TRUE(database_->Flush().ok()); }

  // The newest value of every series of a metric, by its other labels.
  std::map<std::string, double> Last(const std::string& metric) {
    const SelectRequest request{{{MatchOp::kEqual, "__name__", metric}}, 0, INT64_MAX};
    const auto selections = NewReader(database_.get())->Select({&request, 1});
    EXPECT_TRUE(selections.ok());
    std::map<std::string, double> last;
    SampleBuffer samples;
    for (size_t i = 0; i < selections->front()->series_count(); ++i) {
      EXPECT_TRUE(selections->front()->Read(i, 0, INT64_MAX, &samples).ok());
      std::string key;
      for (const LabelView label : selections->front()->labels(i)) {
        if (label.name != "__name__") key += std::string(label.value) + " ";
      }
      if (!key.empty()) key.pop_back();
      if (!samples.values.empty()) last[key] = samples.values.back();
      if (!samples.histograms.empty()) last[key] = samples.histograms.back()->count;
    }
    return last;
  }
  using Values = std::map<std::string, double>;
};

TEST_F(SpanMetricsTest, SpansAreCountedByServiceNameKindAndStatus) {
  Open();
  Send({{.id = 1, .kind = 2},
        {.id = 2, .kind = 2},
        {.id = 3, .kind = 2, .status = 2},
        {.id = 4, .service = "b", .name = "m"}});
  Flush();
  // Labels by name: service, span_kind, span_name, status_code.
  EXPECT_EQ(Last("traces_spanmetrics_calls_total"),
            (Values{{"a SPAN_KIND_SERVER n STATUS_CODE_UNSET", 2},
                    {"a SPAN_KIND_SERVER n STATUS_CODE_ERROR", 1},
                    {"b SPAN_KIND_INTERNAL m STATUS_CODE_UNSET", 1}}));
  EXPECT_EQ(Last("traces_spanmetrics_latency"),
            (Values{{"a SPAN_KIND_SERVER n STATUS_CODE_UNSET", 2},
                    {"a SPAN_KIND_SERVER n STATUS_CODE_ERROR", 1},
                    {"b SPAN_KIND_INTERNAL m STATUS_CODE_UNSET", 1}}));
}

TEST_F(SpanMetricsTest, WhatIsSentAgainAndWhatIsLateIsNotCounted) {
  Open();
  const SpanSpec one{.id = 1};
  Send({one});
  Send({one, {.id = 2}});
  Send({{.id = 3, .start_ns = kNowNs - 2 * 3600 * uint64_t{1'000'000'000}}});
  Flush();
  EXPECT_EQ(Last("traces_spanmetrics_calls_total"),
            (Values{{"a SPAN_KIND_INTERNAL n STATUS_CODE_UNSET", 2}}));
  EXPECT_EQ(database_->Statistics().span_metrics_late, 1u);
  EXPECT_EQ(database_->Statistics().span_metrics_repeated, 1u);
  EXPECT_EQ(database_->Statistics().span_metrics_counted, 2u);
}

TEST_F(SpanMetricsTest, CallsHaveTwoEndsInEitherOrder) {
  Open();
  Send({{.id = 1, .service = "shop", .kind = 3, .attributes = {{"server.address", "x"}}}});
  Send({{.id = 2, .parent = 1, .service = "cart", .kind = 2, .status = 2}});
  Send({{.id = 4, .parent = 3, .service = "mail", .kind = 5}});
  Send({{.id = 3, .service = "shop", .kind = 4}});
  Send({{.id = 5, .service = "shop", .kind = 3, .attributes = {{"db.system", "redis"}}}});
  Send({{.id = 6, .service = "shop", .kind = 3, .attributes = {{"net.peer.name", "ext"}}}});
  Flush();
  // client, connection_type, server
  EXPECT_EQ(
      Last("traces_service_graph_request_total"),
      (Values{{"shop cart", 1}, {"shop messaging_system mail", 1}, {"shop database redis", 1}}));
  EXPECT_EQ(Last("traces_service_graph_request_failed_total").at("shop cart"), 1);
  clock_.AdvanceMs(11'000);  // nobody answered span 6
  Flush();
  EXPECT_EQ(Last("traces_service_graph_request_total").at("shop virtual_node ext"), 1);
  EXPECT_EQ(Last("traces_service_graph_request_server_seconds").at("shop cart"), 1);
}

// As after kill -9: the journal is all that is left of what was not written.
TEST_F(SpanMetricsTest, CountsGoOnExactlyWhereTheyStopped) {
  const std::string copy = directory_.path() + "-copy";
  uint64_t id = 0;
  uint64_t sent = 0;
  Open();
  const auto reopen_as_killed = [&] {
    // A snapshot is of one moment, as what a process that dies leaves, and writes nothing.
    ASSERT_TRUE(database_->Snapshot(copy).ok());
    database_.reset();
    ASSERT_EQ(
        std::system(
            ("rm -rf " + directory_.path() + " && mv " + copy + " " + directory_.path()).c_str()),
        0);
    Open();
  };
  for (int round = 0; round < 12; ++round) {
    for (int message = 0; message < 3; ++message) {
      std::vector<SpanSpec> specs;
      for (int i = 0; i < 5; ++i) specs.push_back({.id = ++id});
      // A call whose ends lie in two messages.
      specs.push_back({.id = 1'000'000 + id, .service = "c", .kind = 3});
      if (message > 0) {
        specs.push_back(
            {.id = 2'000'000 + id, .parent = 1'000'000 + id - 5, .service = "s", .kind = 2});
      }
      Send(specs);
      sent += 5;
      clock_.AdvanceMs(1000);
    }
    if (round % 3 == 1) Flush();
    if (round % 4 == 2) {
      ASSERT_TRUE(database_->Checkpoint().ok());
    }
    reopen_as_killed();
  }
  Flush();
  EXPECT_EQ(Last("traces_spanmetrics_calls_total").at("a SPAN_KIND_INTERNAL n STATUS_CODE_UNSET"),
            static_cast<double>(sent));
  EXPECT_EQ(Last("traces_spanmetrics_latency").at("a SPAN_KIND_INTERNAL n STATUS_CODE_UNSET"),
            static_cast<double>(sent));
  EXPECT_EQ(Last("traces_service_graph_request_total").at("c s"), 24);
}

TEST_F(SpanMetricsTest, TooManyLabelsOverflow) {
  options_.span_metrics_series_max = 3;
  Open();
  std::vector<SpanSpec> specs;
  for (uint64_t i = 1; i <= 10; ++i) specs.push_back({.id = i, .name = "n" + std::to_string(i)});
  Send(specs);
  Flush();
  const Values calls = Last("traces_spanmetrics_calls_total");
  EXPECT_EQ(calls.size(), 4u);
  EXPECT_EQ(calls.at("true"), 7);
  EXPECT_EQ(database_->Statistics().span_metrics_overflowed, 7u);
}

TEST_F(SpanMetricsTest, OffIsOff) {
  options_.span_metrics = false;
  Open();
  Send({{.id = 1}});
  Flush();
  EXPECT_TRUE(Last("traces_spanmetrics_calls_total").empty());
}

TEST(DurationHistogramTest, BucketsHoldTheirUpperBound) {
  DurationHistogram durations;
  for (const double seconds : {0.0, 0.5, 0.5000001, 1.0, 2.0, 2.0}) durations.Add(seconds);
  const Histogram histogram = durations.ToHistogram();
  EXPECT_TRUE(histogram.Validate().ok()) << histogram.Validate().message();
  EXPECT_EQ(histogram.zero_count, 1);
  EXPECT_EQ(histogram.count, 6);
  // 0.5 is the bound of bucket -8, 1 of 0, 2 of 8.
  ASSERT_EQ(histogram.positive_spans.size(), 3u);
  EXPECT_EQ(histogram.positive_spans[0], (BucketSpan{-8, 2}));
  EXPECT_EQ(histogram.positive_spans[1], (BucketSpan{6, 1}));
  EXPECT_EQ(histogram.positive_spans[2], (BucketSpan{7, 1}));
  EXPECT_EQ(histogram.positive_buckets, (std::vector<double>{1, 1, 1, 2}));
  DurationHistogram again;
  again.Restore(histogram);
  EXPECT_TRUE(SameBits(again.ToHistogram(), histogram));
}

TEST(SeenSpansTest, RemembersTheLastOnes) {
  SeenSpans seen(1000);
  for (uint64_t i = 0; i < 5000; ++i) {
    EXPECT_TRUE(seen.Insert(i * 7919)) << i;
    if (i >= 999) {
      EXPECT_FALSE(seen.Insert((i - 999) * 7919)) << i;
    }
    EXPECT_FALSE(seen.Insert(i * 7919));
  }
}

}  // namespace
}  // namespace varve::engine
