// The endpoints that need no query engine, over a database that answers what the test says.
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "server/api/admin_handlers.h"
#include "server/api/endpoints.h"
#include "server/api/exemplar_handlers.h"
#include "server/api/federate_handler.h"
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
    context_.engine = &engine_;
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
  promql::Engine engine_{&database_, {}};
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
  database_.flush_status = ResourceExhaustedError("x: No space left on device");
  EXPECT_EQ(HandleFlush(context_, Get("")).status, HttpStatus::kInsufficientStorage);
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

TEST_F(ApiTest, Exemplars) {
  database_.exemplars = {{Labels{{"__name__", "m"}}, {{Labels{{"trace_id", "t"}}, 6, 1500}}},
                         {Labels{{"__name__", "n"}}, {}}};
  EXPECT_EQ(HandleQueryExemplars(context_, Get("query=m%2Bn&start=1&end=2")).body,
            R"({"status":"success","data":[{"seriesLabels":{"__name__":"m"},)"
            R"("exemplars":[{"labels":{"trace_id":"t"},"value":"6","timestamp":1.500}]},)"
            R"({"seriesLabels":{"__name__":"n"},"exemplars":[]}]})");
  EXPECT_EQ(database_.last_range.max_ms, 2000);
  EXPECT_EQ(HandleQueryExemplars(context_, Get("query=1")).body,
            R"({"status":"success","data":[]})");
  EXPECT_EQ(HandleQueryExemplars(context_, Get("query=m&start=2&end=1")).body,
            R"({"status":"error","errorType":"bad_data",)"
            R"("error":"end timestamp must not be before start timestamp"})");
  EXPECT_EQ(HandleQueryExemplars(context_, Get("query=m(")).status, HttpStatus::kBadRequest);
}

TEST_F(ApiTest, DeleteSeries) {
  const Response response =
      HandleDeleteSeries(context_, Get("match[]=a&match[]={b=\"c\"}&start=1&end=2"));
  EXPECT_EQ(response.status, HttpStatus::kNoContent);
  ASSERT_EQ(database_.deleted.size(), 2u);
  EXPECT_EQ(database_.deleted[1], (Selector{{MatchOp::kEqual, "b", "c"}}));
  EXPECT_EQ(database_.last_range.min_ms, 1000);
  database_.deleted.clear();
  EXPECT_EQ(HandleDeleteSeries(context_, Get("")).status, HttpStatus::kBadRequest);
  EXPECT_EQ(HandleDeleteSeries(context_, Get("match[]=a&start=2&end=1")).status,
            HttpStatus::kBadRequest);
  EXPECT_TRUE(database_.deleted.empty());
  EXPECT_EQ(HandleCleanTombstones(context_, Get("")).status, HttpStatus::kNoContent);
  EXPECT_EQ(database_.maintain_count, 1);
}

TEST_F(ApiTest, FederateExposesTheNewestSampleOfEachSeries) {
  const auto series = [](Labels labels, std::vector<Sample> samples) {
    SeriesSamples out;
    out.labels = std::move(labels);
    out.samples = std::move(samples);
    return out;
  };
  database_.samples = {
      series(Labels{{"__name__", "z"}, {"a", "1"}}, {{5, 1}}),
      series(Labels{{"__name__", "b"}, {"a", "q\"\n"}}, {{5, 1}, {6, 2500000}}),
      series(Labels{{"__name__", "z"}, {"a", "2"}, {"instance", "i"}}, {{7, 2}}),
      series(Labels{{"__name__", "ended"}}, {{5, 1}, {6, std::bit_cast<double>(kStaleMarkerBits)}}),
      series(Labels{{"__name__", "histogram"}}, {{5, 1}}),
      series(Labels{{"no", "name"}}, {{5, 1}}),
      series(Labels{{"__name__", "my.näme"}, {"1.b", "c"}}, {{8, 3}})};
  database_.samples[4].histograms = {{6, 0, {}}};
  const Response response = HandleFederate(context_, Get("match[]=z&match[]=b"));
  EXPECT_EQ(response.body,
            "# TYPE b untyped\nb{a=\"q\\\"\\n\",instance=\"\"} 2.5e+06 6\n"
            "# TYPE my_n_me untyped\nmy_n_me{__b=\"c\",instance=\"\"} 3 8\n"
            "# TYPE z untyped\nz{a=\"1\",instance=\"\"} 1 5\nz{a=\"2\",instance=\"i\"} 2 7\n");
  EXPECT_EQ(database_.last_range.max_ms - database_.last_range.min_ms, 300'000);
  Request utf8 = Get("match[]=z");
  utf8.headers = {{"Accept", "text/plain;version=1.0.0;escaping=allow-utf-8"}};
  EXPECT_NE(HandleFederate(context_, utf8)
                .body.find("# TYPE \"my.näme\" untyped\n"
                           "{\"my.näme\",\"1.b\"=\"c\",instance=\"\"} 3 8\n"),
            std::string::npos);
  EXPECT_EQ(HandleFederate(context_, Get("")).body, "");
  EXPECT_EQ(HandleFederate(context_, Get("match[]={")).status, HttpStatus::kBadRequest);
}

TEST_F(ApiTest, ConfigIsYaml) {
  context_.flags = {{"data-dir", "/x"}};
  EXPECT_EQ(HandleConfig(context_, Get("")).body,
            R"({"status":"success","data":{"yaml":"data_dir: \"/x\"\n"}})");
}

}  // namespace
}  // namespace varve::server
