// The endpoints that need no query engine, over a database that answers what the test says.
#include <gtest/gtest.h>

#include <string>

#include "server/api/endpoints.h"
#include "server/api/metadata_handlers.h"
#include "server/api/self_metrics.h"
#include "server/api/status_handlers.h"
#include "tests/unit/server/fake_database.h"

namespace varve::server {
namespace {

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    context_.database = &database_;
    context_.remote_write = &remote_write_;
    context_.connections = &connections_;
    context_.dispatcher = &dispatcher_;
  }
  static Request Get(std::string_view query) {
    Request request;
    request.query = query;
    return request;
  }
  FakeDatabase database_;
  RemoteWriteHandler remote_write_{&database_, {}, 1};
  ConnectionMetrics connections_;
  ApiContext context_;
  Dispatcher dispatcher_{DispatcherOptions(), ApiEndpoints(&context_)};
};

TEST_F(ApiTest, Series) {
  database_.series = {Labels{{"__name__", "up"}, {"job", "a\"b"}}, Labels{{"__name__", "up"}}};
  EXPECT_EQ(HandleSeries(context_, Get("match[]=up&start=1&end=2")).body,
            R"({"status":"success","data":[{"__name__":"up","job":"a\"b"},{"__name__":"up"}]})");
  EXPECT_EQ(database_.last_range.min_ms, 1000);
  EXPECT_EQ(database_.last_range.max_ms, 2000);
  const Response limited = HandleSeries(context_, Get("match[]=up&limit=1"));
  EXPECT_EQ(limited.body, R"({"status":"success","data":[{"__name__":"up","job":"a\"b"}],)"
                          R"("warnings":["results truncated due to limit"]})");
  EXPECT_EQ(HandleSeries(context_, Get("match[]=up&limit=2")).body.find("warnings"),
            std::string::npos);
}

TEST_F(ApiTest, SeriesWantsASelector) {
  const Response response = HandleSeries(context_, Get(""));
  EXPECT_EQ(response.status, HttpStatus::kBadRequest);
  EXPECT_EQ(response.body,
            R"({"status":"error","errorType":"bad_data","error":"no match[] parameter provided"})");
  EXPECT_EQ(HandleSeries(context_, Get("match[]=up{")).status, HttpStatus::kBadRequest);
}

TEST_F(ApiTest, Labels) {
  database_.strings = {"a", "b"};
  EXPECT_EQ(HandleLabelNames(context_, Get("")).body, R"({"status":"success","data":["a","b"]})");
  EXPECT_EQ(HandleLabelValues(context_, Get("limit=1"), "U__x_2e_y").body,
            R"({"status":"success","data":["a"],"warnings":["results truncated due to limit"]})");
  EXPECT_EQ(database_.last_label, "x.y");
}

TEST_F(ApiTest, Metadata) {
  database_.metadata = {{"a", MetricType::kCounter, "h\n", ""},
                        {"a", MetricType::kGauge, "other", "s"},
                        {"b", MetricType::kUnknown, "", ""}};
  const std::string a1 = R"({"type":"counter","help":"h\n","unit":""})";
  const std::string a2 = R"({"type":"gauge","help":"other","unit":"s"})";
  const std::string b = R"("b":[{"type":"unknown","help":"","unit":""}])";
  const auto data = [this](std::string_view query) {
    return HandleMetadata(context_, Get(query)).body;
  };
  const std::string open = R"({"status":"success","data":{)";
  EXPECT_EQ(data(""), open + R"("a":[)" + a1 + "," + a2 + "]," + b + "}}");
  EXPECT_EQ(data("limit=1"), open + R"("a":[)" + a1 + "," + a2 + "]}}");
  EXPECT_EQ(data("limit_per_metric=1"), open + R"("a":[)" + a1 + "]," + b + "}}");
  EXPECT_EQ(data("metric=b"), open + b + "}}");
  EXPECT_EQ(data("metric=c"), open + "}}");
}

TEST_F(ApiTest, TsdbStatus) {
  database_.statistics.head_series_count = 3;
  database_.cardinality.series_by_metric_name = {{"up", 2}};
  const std::string body = HandleTsdbStatus(context_, Get("limit=4")).body;
  EXPECT_EQ(database_.last_limit, 4u);
  EXPECT_NE(body.find(R"("headStats":{"numSeries":3,)"), std::string::npos);
  EXPECT_NE(body.find(R"("seriesCountByMetricName":[{"name":"up","value":2}])"), std::string::npos);
  EXPECT_EQ(HandleTsdbStatus(context_, Get("limit=0")).status, HttpStatus::kBadRequest);
}

TEST_F(ApiTest, FlushReportsItsOutcome) {
  EXPECT_EQ(HandleFlush(context_, Get("")).status, HttpStatus::kNoContent);
  EXPECT_EQ(database_.flush_count, 1);
  database_.flush_status = IoError("disk \"x\" failed");
  const Response failed = HandleFlush(context_, Get(""));
  EXPECT_EQ(failed.status, HttpStatus::kInternalServerError);
  EXPECT_EQ(failed.body,
            R"({"status":"error","errorType":"internal","error":"disk \"x\" failed"})");
}

TEST_F(ApiTest, SelfMetricsFollowTheTextFormat) {
  database_.statistics.samples_appended = 12;
  database_.statistics.samples_rejected[static_cast<size_t>(RejectReason::kSeriesLimit)] = 5;
  const Response response = HandleSelfMetrics(context_, Get(""));
  EXPECT_NE(response.body.find("# TYPE varve_samples_appended_total counter\n"
                               "varve_samples_appended_total 12\n"),
            std::string::npos);
  EXPECT_NE(response.body.find("varve_samples_rejected_total{reason=\"series_limit\"} 5\n"),
            std::string::npos);
  EXPECT_NE(response.body.find("\nprocess_resident_memory_bytes "), std::string::npos);
  EXPECT_EQ(response.body.back(), '\n');
}

}  // namespace
}  // namespace varve::server
