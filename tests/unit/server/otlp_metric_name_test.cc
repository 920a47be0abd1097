#include <gtest/gtest.h>

#include "server/otlp/metric_name.h"

namespace varve::server {
namespace {

constexpr OtlpMetricKind kGauge = OtlpMetricKind::kGauge;
constexpr OtlpMetricKind kCounter = OtlpMetricKind::kMonotonicSum;
constexpr OtlpMetricKind kOther = OtlpMetricKind::kOther;

TEST(OtlpMetricNameTest, UnitsBecomeSuffixes) {
  EXPECT_EQ(PrometheusMetricName("http.server.duration", "ms", kOther),
            "http_server_duration_milliseconds");
  EXPECT_EQ(PrometheusMetricName("io", "By/s", kGauge), "io_bytes_per_second");
  EXPECT_EQ(PrometheusMetricName("speed", "m/s", kGauge), "speed_meters_per_second");
  EXPECT_EQ(PrometheusMetricName("disk.bytes", "By", kGauge), "disk_bytes");
  EXPECT_EQ(PrometheusMetricName("active", "{request}", kGauge), "active");
  EXPECT_EQ(PrometheusMetricName("errors", "{error}/s", kGauge), "errors_per_second");
  EXPECT_EQ(PrometheusMetricName("order.value", "EUR", kOther), "order_value_EUR");
  EXPECT_EQ(PrometheusMetricName("used", "%", kGauge), "used_percent");
}

TEST(OtlpMetricNameTest, KindsBecomeSuffixes) {
  EXPECT_EQ(PrometheusMetricName("requests", "", kCounter), "requests_total");
  EXPECT_EQ(PrometheusMetricName("total.requests", "", kCounter), "requests_total");
  EXPECT_EQ(PrometheusMetricName("cpu.time", "s", kCounter), "cpu_time_seconds_total");
  EXPECT_EQ(PrometheusMetricName("utilization", "1", kGauge), "utilization_ratio");
  EXPECT_EQ(PrometheusMetricName("requests", "1", kCounter), "requests_total");
}

TEST(OtlpMetricNameTest, WhatMayNotStandInANameGoes) {
  EXPECT_EQ(PrometheusMetricName("a..b--c", "", kGauge), "a_b_c");
  EXPECT_EQ(PrometheusMetricName("3xx", "", kGauge), "_3xx");
  EXPECT_EQ(PrometheusMetricName("job:rate5m", "", kGauge), "job:rate5m");
  EXPECT_EQ(PrometheusMetricName("\xc3\xa4\xc3\xb6", "", kGauge), "");
  EXPECT_EQ(PrometheusMetricName("", "s", kGauge), "");
}

TEST(OtlpMetricNameTest, LabelNames) {
  EXPECT_EQ(PrometheusLabelName("http.method"), "http_method");
  EXPECT_EQ(PrometheusLabelName("a..b"), "a__b");
  EXPECT_EQ(PrometheusLabelName("3d"), "key_3d");
  EXPECT_EQ(PrometheusLabelName("_x"), "key_x");
  EXPECT_EQ(PrometheusLabelName("__x"), "__x");
  EXPECT_EQ(PrometheusLabelName("gr\xc3\xb6\xc3\x9f"
                                "e"),
            "gr__e");
}

}  // namespace
}  // namespace varve::server
