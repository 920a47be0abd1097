// JSON through the transcoder and the decoder: the batch that comes out.
#include <gtest/gtest.h>

#include <string>

#include "server/otlp/json_transcoder.h"
#include "server/otlp/metrics_decoder.h"
#include "tests/unit/server/batch_text.h"
#include "tests/unit/server/wire_builder.h"

namespace varve::server {
namespace {

constexpr size_t kBytesMax = size_t{1} << 20;

std::string Request(const std::string& metrics, const std::string& resource = "{}") {
  return R"({"resourceMetrics":[{"resource":)" + resource + R"(,"scopeMetrics":[{"metrics":[)" +
         metrics + "]}]}]}";
}

class OtlpMetricsTest : public testing::Test {
 protected:
  Result<OtlpMetricsContent> Decode(const std::string& json) {
    const Result<std::string> body = TranscodeOtlpJson(OtlpRequest::kMetrics, json);
    if (!body.ok()) return body.status();
    return DecodeOtlpMetrics(*body, kBytesMax, nullptr, &scratch_);
  }
  // The batch, or what went wrong.
  std::string Decoded(const std::string& metrics, const std::string& resource = "{}") {
    const Result<OtlpMetricsContent> content = Decode(Request(metrics, resource));
    if (!content.ok()) return content.status().message();
    content_ = *content;
    return BatchText(scratch_.batch);
  }

  OtlpMetricsScratch scratch_;
  OtlpMetricsContent content_;
};

constexpr const char* kOne = "3ff0000000000000";
constexpr const char* kTwo = "4000000000000000";
constexpr const char* kThree = "4008000000000000";

TEST_F(OtlpMetricsTest, GaugesTakeIntegersAndDoubles) {
  EXPECT_EQ(Decoded(R"({"name":"temp","unit":"Cel","gauge":{"dataPoints":[
      {"timeUnixNano":"5000000000","asInt":"2","attributes":[
        {"key":"room","value":{"stringValue":"a"}}]},
      {"timeUnixNano":5001999999,"asDouble":1}]}})"),
            std::string("{__name__=temp_celsius,room=a} 5000:") + kTwo +
                "\n{__name__=temp_celsius} 5001:" + kOne + "\n");
  EXPECT_EQ(content_.point_count, 2u);
}

TEST_F(OtlpMetricsTest, SumsKeepTheirStart) {
  EXPECT_EQ(Decoded(R"({"name":"hits","sum":{"aggregationTemporality":2,"isMonotonic":true,
      "dataPoints":[{"startTimeUnixNano":"1000000000","timeUnixNano":"2000000000",
                     "asDouble":3}]}})"),
            std::string("{__name__=hits_total} 2000^1000:") + kThree + "\n");
  ASSERT_EQ(scratch_.batch.metadata().size(), 1u);
  EXPECT_EQ(scratch_.batch.metadata()[0].type, MetricType::kCounter);
  EXPECT_EQ(scratch_.batch.metadata()[0].metric, "hits_total");
}

TEST_F(OtlpMetricsTest, ResourcesBecomeTargets) {
  EXPECT_EQ(Decoded(R"({"name":"m","gauge":{"dataPoints":[
      {"timeUnixNano":"1000000000","asDouble":1,"attributes":[
        {"key":"job","value":{"stringValue":"loses"}}]}]}})",
                    R"({"attributes":[
      {"key":"service.name","value":{"stringValue":"shop"}},
      {"key":"service.namespace","value":{"stringValue":"eu"}},
      {"key":"service.instance.id","value":{"stringValue":"i1"}},
      {"key":"host.cpus","value":{"intValue":"4"}},
      {"key":"args","value":{"arrayValue":{"values":[
        {"stringValue":"a\"b"},{"boolValue":true},{"doubleValue":1.5}]}}}]})"),
            std::string("{__name__=m,instance=i1,job=eu/shop} 1000:") + kOne +
                "\n{__name__=target_info,args=[\"a\\\"b\",true,1.5],host_cpus=4,instance=i1,"
                "job=eu/shop} 1000:" +
                kOne + "\n");
}

TEST_F(OtlpMetricsTest, TargetInfoIsSeenAtEveryTime) {
  Decoded(R"({"name":"m","gauge":{"dataPoints":[
      {"timeUnixNano":"1000000000","asDouble":1},{"timeUnixNano":"401000000000","asDouble":1}]}})",
          R"({"attributes":[{"key":"service.name","value":{"stringValue":"s"}},
                            {"key":"k","value":{"stringValue":"v"}}]})");
  const auto series = scratch_.batch.series().back();
  ASSERT_EQ(series.sample_count, 3u);
  EXPECT_EQ(scratch_.batch.samples()[series.sample_begin].timestamp_ms, 101'000);
  EXPECT_EQ(scratch_.batch.samples()[series.sample_begin + 2].timestamp_ms, 401'000);
}

TEST_F(OtlpMetricsTest, AttributesOnOneNameAreJoined) {
  EXPECT_EQ(Decoded(R"({"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":1,
      "attributes":[{"key":"a_b","value":{"stringValue":"y"}},
                    {"key":"a.b","value":{"stringValue":"x"}},
                    {"key":"empty","value":{"stringValue":""}}]}]}})"),
            std::string("{__name__=m,a_b=x;y} 1:") + kOne + "\n");
}

TEST_F(OtlpMetricsTest, HistogramsBecomeClassicOnes) {
  EXPECT_EQ(Decoded(R"({"name":"d","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
      {"timeUnixNano":"1000000","count":"3","sum":3,"explicitBounds":[0.5,10],
       "bucketCounts":["1","1","1"],"exemplars":[
        {"timeUnixNano":"2000000","asDouble":7,"traceId":"0AFF","spanId":"01",
         "filteredAttributes":[{"key":"user","value":{"stringValue":"u"}}]}]}]}})"),
            std::string("{__name__=d_seconds_sum} 1:") + kThree +
                "\n{__name__=d_seconds_count} 1:" + kThree +
                "\n{__name__=d_seconds_bucket,le=0.5} 1:" + kOne +
                "\n{__name__=d_seconds_bucket,le=10} 1:" + kTwo +
                " #{span_id=\"01\", trace_id=\"0aff\", user=\"u\"}=7@2\n"
                "{__name__=d_seconds_bucket,le=+Inf} 1:" +
                kThree + "\n");
}

TEST_F(OtlpMetricsTest, ExponentialHistogramsBecomeNativeOnes) {
  EXPECT_EQ(Decoded(R"({"name":"d","exponentialHistogram":{"aggregationTemporality":2,
      "dataPoints":[{"timeUnixNano":"1000000","count":"6","sum":9,"scale":1,"zeroCount":"1",
        "zeroThreshold":0.25,"positive":{"offset":-1,"bucketCounts":["2","0","1"]},
        "negative":{"offset":3,"bucketCounts":["2"]}}]}})"),
            "{__name__=d} 1:int/0 schema 1 count 6 sum 9 zero 1@0.25 pos 0+1 1+1 2 1 neg 4+1 2\n");
  // Scale 9 is finer than what is stored: two buckets become one.
  EXPECT_EQ(Decoded(R"({"name":"d","exponentialHistogram":{"aggregationTemporality":2,
      "dataPoints":[{"timeUnixNano":"1000000","count":"3","sum":9,"scale":9,
        "positive":{"offset":0,"bucketCounts":["1","1","1"]}}]}})"),
            "{__name__=d} 1:int/0 schema 8 count 3 sum 9 zero 0@1e-128 pos 1+2 2 1\n");
}

TEST_F(OtlpMetricsTest, SummariesBecomeQuantiles) {
  EXPECT_EQ(Decoded(R"({"name":"d","summary":{"dataPoints":[{"timeUnixNano":"1000000","count":"1",
      "sum":2,"quantileValues":[{"quantile":0.5,"value":3}]}]}})"),
            std::string("{__name__=d_sum} 1:") + kTwo + "\n{__name__=d_count} 1:" + kOne +
                "\n{__name__=d,quantile=0.5} 1:" + kThree + "\n");
}

TEST_F(OtlpMetricsTest, NoRecordedValueIsAStaleMarker) {
  EXPECT_EQ(
      Decoded(R"({"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1000000","flags":1}]}})"),
      "{__name__=m} 1:7ff0000000000002\n");
}

TEST_F(OtlpMetricsTest, BadPointsAreRefusedAlone) {
  EXPECT_EQ(Decoded(R"({"name":"m","gauge":{"dataPoints":[{"asDouble":1},
      {"timeUnixNano":"1000000"},{"timeUnixNano":"1000000","asDouble":1}]}},
      {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":"1000000","explicitBounds":[1],"bucketCounts":["1"]},
        {"timeUnixNano":"1000000","explicitBounds":[2,1],"bucketCounts":["1","1","1"]}]}},
      {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":"1000000","scale":-5}]}},
      {"name":"t","sum":{"dataPoints":[{"timeUnixNano":"1000000","asInt":1}]}},
      {"name":"..","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":1}]}})"),
            std::string("{__name__=m} 1:") + kOne + "\n");
  EXPECT_EQ(content_.point_count, 8u);
  EXPECT_EQ(content_.refused.count, 7u);
  EXPECT_EQ(content_.refused.example, "metric \"m\": a data point without a time");
}

TEST_F(OtlpMetricsTest, RepeatedLabelsOfBucketsAreBounded) {
  std::string bounds = "0";
  std::string counts = "\"0\",\"0\"";
  for (int i = 1; i < 2000; ++i) {
    bounds += ',' + std::to_string(i);
    counts += ",\"0\"";
  }
  const Result<OtlpMetricsContent> content = Decode(Request(
      R"({"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1",
      "attributes":[{"key":"k","value":{"stringValue":")" +
      std::string(1000, 'x') + R"("}}],"explicitBounds":[)" + bounds + R"(],"bucketCounts":[)" +
      counts + "]}]}}"));
  EXPECT_EQ(content.status().code(), StatusCode::kOutOfRange);
}

TEST_F(OtlpMetricsTest, ProtobufOutOfOrderIsRead) {
  const WireBuilder point =
      WireBuilder().Double(4, 1).Raw(std::string("\x19\x40\x42\x0f\x00\x00\x00\x00\x00", 9));
  const WireBuilder metric =
      WireBuilder().Message(5, WireBuilder().Message(1, point)).Bytes(1, "late");
  const WireBuilder service =
      WireBuilder().Message(2, WireBuilder().Bytes(1, "s")).Bytes(1, "service.name");
  const WireBuilder resource_metrics = WireBuilder()
                                           .Message(2, WireBuilder().Message(2, metric))
                                           .Message(1, WireBuilder().Message(1, service));
  const std::string body = WireBuilder().Message(1, resource_metrics).bytes();
  ASSERT_TRUE(DecodeOtlpMetrics(body, kBytesMax, nullptr, &scratch_).ok());
  EXPECT_EQ(BatchText(scratch_.batch), std::string("{__name__=late,job=s} 1:") + kOne + "\n");
}

TEST_F(OtlpMetricsTest, CutOffBodiesNameTheByte) {
  const Result<std::string> whole = TranscodeOtlpJson(
      OtlpRequest::kMetrics,
      Request(R"({"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":1}]}})"));
  ASSERT_TRUE(whole.ok());
  int failures = 0;
  for (size_t size = 1; size < whole->size(); ++size) {
    const Result<OtlpMetricsContent> cut =
        DecodeOtlpMetrics(std::string_view(*whole).substr(0, size), kBytesMax, nullptr, &scratch_);
    if (cut.ok()) continue;
    ++failures;
    EXPECT_TRUE(cut.status().message().starts_with("byte ")) << cut.status().message();
  }
  EXPECT_EQ(failures, static_cast<int>(whole->size()) - 1);
}

std::string JsonError(const std::string& json) {
  const Result<std::string> out = TranscodeOtlpJson(OtlpRequest::kTraces, json);
  return out.ok() ? "(taken)" : out.status().message();
}

TEST(OtlpJsonTest, ErrorsNameThePlace) {
  EXPECT_TRUE(JsonError("{").starts_with("the body is not JSON: "));
  EXPECT_EQ(JsonError("[]"), "the body: expected an object");
  EXPECT_EQ(JsonError(R"({"resourceSpans":{}})"), "resourceSpans: expected an array");
  const auto span = [](const std::string& fields) {
    return JsonError(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{},{)" + fields + "}]}]}]}");
  };
  const std::string at = "resourceSpans[0].scopeSpans[0].spans[1].";
  EXPECT_EQ(span(R"("traceId":"xyz")"), at + "traceId: expected a string of hexadecimal digits");
  EXPECT_EQ(span(R"("traceId":"abc")"), at + "traceId: expected a string of hexadecimal digits");
  EXPECT_EQ(span(R"("kind":"SPAN_KIND_SERVER")"), at + "kind: expected a 32-bit integer");
  EXPECT_EQ(span(R"("startTimeUnixNano":"-1")"),
            at + "startTimeUnixNano: expected an unsigned 64-bit integer, as a string or a number");
  EXPECT_EQ(span(R"("startTimeUnixNano":-1)"),
            at + "startTimeUnixNano: expected an unsigned 64-bit integer, as a string or a number");
  EXPECT_EQ(span(R"("flags":4294967296)"), at + "flags: expected an unsigned 32-bit integer");
  EXPECT_EQ(span(R"("name":1)"), at + "name: expected a string");
}

TEST(OtlpJsonTest, UnknownKeysAndNullsAreIgnored) {
  EXPECT_EQ(JsonError(R"({"resource_spans":1,"later":[{}],"resourceSpans":null})"), "(taken)");
}

TEST(OtlpJsonTest, SpansBecomeProtobuf) {
  const Result<std::string> out = TranscodeOtlpJson(
      OtlpRequest::kTraces,
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0a0B","name":"n","kind":2,
          "startTimeUnixNano":"1","attributes":[
            {"key":"b","value":{"bytesValue":"AQI="}},
            {"key":"i","value":{"intValue":-1}}]}]}]}]})");
  ASSERT_TRUE(out.ok()) << out.status().message();
  const WireBuilder span =
      WireBuilder()
          .Bytes(1, "\x0a\x0b")
          .Bytes(5, "n")
          .Varint(6, 2)
          .Raw(std::string("\x39\x01\x00\x00\x00\x00\x00\x00\x00", 9))
          .Message(9, WireBuilder().Bytes(1, "b").Message(2, WireBuilder().Bytes(7, "\x01\x02")))
          .Message(9, WireBuilder().Bytes(1, "i").Message(2, WireBuilder().Varint(3, UINT64_MAX)));
  EXPECT_EQ(
      *out,
      WireBuilder().Message(1, WireBuilder().Message(2, WireBuilder().Message(2, span))).bytes());
}

TEST(OtlpJsonTest, DeepValuesAreRefused) {
  std::string value = R"({"intValue":1})";
  for (int i = 0; i < 200; ++i) value = R"({"arrayValue":{"values":[)" + value + "]}}";
  OtlpMetricsScratch scratch;
  const Result<std::string> body = TranscodeOtlpJson(
      OtlpRequest::kMetrics,
      R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"k","value":)" + value + "}]}}]}");
  ASSERT_TRUE(body.ok()) << body.status().message();
  const Result<OtlpMetricsContent> content = DecodeOtlpMetrics(*body, kBytesMax, nullptr, &scratch);
  ASSERT_FALSE(content.ok());
  EXPECT_NE(content.status().message().find("nested at most 64 deep"), std::string::npos);
}

}  // namespace
}  // namespace varve::server
