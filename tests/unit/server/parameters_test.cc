#include "server/api/parameters.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "server/http/compression.h"

namespace varve::server {
namespace {

TEST(ParametersTest, TimesAreUnixSecondsOrRfc3339) {
  const auto time = [](std::string_view text) { return *ParseTimeMs(text); };
  EXPECT_EQ(time("0"), 0);
  EXPECT_EQ(time("1435781430.781"), 1435781430781);
  EXPECT_EQ(time("-1.5"), -1500);
  EXPECT_EQ(time("+2"), 2000);
  EXPECT_EQ(time("1e3"), 1'000'000);
  EXPECT_EQ(time("2015-07-01T20:10:30.781Z"), 1435781430781);
  EXPECT_EQ(time("2015-07-01T22:10:30+02:00"), 1435781430000);
  EXPECT_EQ(time("2015-07-01T20:10:30.7819999Z"), 1435781430781);
  EXPECT_EQ(time("1969-12-31T23:59:59Z"), -1000);
  EXPECT_EQ(time("2024-02-29T00:00:00-00:30"), 1709166600000);
  EXPECT_EQ(time("0000-01-01T00:00:00Z"), -62167219200000);
}

TEST(ParametersTest, OtherTimesAreRefusedInPrometheusWords) {
  for (const std::string_view text :
       {"", "x", "NaN", "Inf", "1x", "9.1e15", "2015-07-01", "2015-07-01T20:10:30",
        "2023-02-29T00:00:00Z", "2015-13-01T00:00:00Z", "2015-07-01T24:00:00Z",
        "2015-07-01T20:10:30.Z", "2015-07-01T20:10:30Zx", "2015-07-01T20:10:30+0200"}) {
    const Result<int64_t> time_ms = ParseTimeMs(text);
    ASSERT_FALSE(time_ms.ok()) << text;
    EXPECT_EQ(time_ms.status().message(),
              "cannot parse \"" + std::string(text) + "\" to a valid timestamp");
  }
}

TEST(ParametersTest, Durations) {
  EXPECT_EQ(*ParseDurationOrSecondsMs("15"), 15'000);
  EXPECT_EQ(*ParseDurationOrSecondsMs("0.5"), 500);
  EXPECT_EQ(*ParseDurationOrSecondsMs("1h30m"), 5'400'000);
  EXPECT_FALSE(ParseDurationOrSecondsMs("5 m").ok());
  EXPECT_FALSE(ParseDurationOrSecondsMs("1e20").ok());
  EXPECT_FALSE(ParseDurationOrSecondsMs("NaN").ok());
}

TEST(ParametersTest, UnescapesLabelNames) {
  EXPECT_EQ(UnescapeLabelName("job"), "job");
  EXPECT_EQ(UnescapeLabelName("U__http_2e_status_code"), "U__http_2e_status_code");
  EXPECT_EQ(UnescapeLabelName("U__http_2e_status__code"), "http.status_code");
  EXPECT_EQ(UnescapeLabelName("U___e9_t_e9_"), "\xc3\xa9t\xc3\xa9");
  EXPECT_EQ(UnescapeLabelName("U__a_1F600_"), "a\xf0\x9f\x98\x80");
  for (const std::string_view bad :
       {"U__a_", "U__a_2e", "U__a_zz_", "U__a_d800_", "U__a_110000_"}) {
    EXPECT_EQ(UnescapeLabelName(bad), bad);
  }
}

TEST(ParametersTest, FormsComeFromBodyAndQuery) {
  Request request;
  request.query = "a=2&b=x%20y&match[]=one";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = "a=1&c=p+q&match%5B%5D=two";
  const Result<Form> form = ReadForm(request);
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->Get("a"), "1");
  EXPECT_EQ(form->Get("b"), "x y");
  EXPECT_EQ(form->Get("c"), "p q");
  EXPECT_EQ(form->Get("d"), "");
  EXPECT_EQ(form->All("match[]"), (std::vector<std::string_view>{"two", "one"}));
}

TEST(ParametersTest, GzipFormsAndBadOnes) {
  const std::string body = Compress(ContentCoding::kGzip, "query=up");
  Request request;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Content-Encoding", "gzip"}};
  request.body = body;
  ASSERT_TRUE(ReadForm(request).ok());
  EXPECT_EQ(ReadForm(request)->Get("query"), "up");
  request.body = std::string_view(body).substr(0, body.size() - 1);
  EXPECT_FALSE(ReadForm(request).ok());
  request.headers[1].value = "br";
  EXPECT_FALSE(ReadForm(request).ok());
  Request escape;
  escape.query = "query=%zz";
  EXPECT_EQ(ReadForm(escape).status().message(), "invalid URL escape \"%zz\"");
  escape.query = "query=%4";
  EXPECT_FALSE(ReadForm(escape).ok());
}

TEST(ParametersTest, RangesAndCounts) {
  Form form;
  ASSERT_TRUE(form.Add("start=10&end=20&limit=5&bad=-1&worse=x").ok());
  const Result<TimeRange> range = TimeRangeParameters(form);
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->min_ms, 10'000);
  EXPECT_EQ(range->max_ms, 20'000);
  EXPECT_EQ(*CountParameter(form, "limit", 1), 5u);
  EXPECT_EQ(*CountParameter(form, "absent", 7), 7u);
  EXPECT_EQ(CountParameter(form, "bad", 1).status().message(),
            "invalid parameter \"bad\": limit must be non-negative");
  EXPECT_FALSE(CountParameter(form, "worse", 1).ok());
  Form reversed;
  ASSERT_TRUE(reversed.Add("start=20&end=10").ok());
  EXPECT_EQ(TimeRangeParameters(reversed).status().message(),
            "invalid parameter \"end\": end timestamp must not be before start time");
}

TEST(ParametersTest, Selectors) {
  Form form;
  ASSERT_TRUE(form.Add("match[]=up&match[]={job=~%22a.*%22}").ok());
  const auto selectors = SelectorParameters(form);
  ASSERT_TRUE(selectors.ok()) << selectors.status().ToString();
  ASSERT_EQ(selectors->size(), 2u);
  EXPECT_EQ((*selectors)[0], (Selector{{MatchOp::kEqual, "__name__", "up"}}));
  EXPECT_EQ((*selectors)[1], (Selector{{MatchOp::kRegexMatch, "job", "a.*"}}));
  Form bad;
  ASSERT_TRUE(bad.Add("match[]=up{").ok());
  EXPECT_EQ(SelectorParameters(bad).status().message().find("invalid parameter \"match[]\": "), 0u);
}

}  // namespace
}  // namespace varve::server
