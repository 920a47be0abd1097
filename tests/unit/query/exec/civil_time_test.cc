#include "query/exec/civil_time.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

namespace varve::promql::exec {
namespace {

void ExpectAsGmtime(int64_t seconds) {
  const time_t time = static_cast<time_t>(seconds);
  struct tm utc = {};
  ASSERT_NE(gmtime_r(&time, &utc), nullptr);
  const CivilTime civil = CivilFromUnixSeconds(seconds);
  EXPECT_EQ(civil.year, utc.tm_year + int64_t{1900}) << seconds;
  EXPECT_EQ(civil.month, utc.tm_mon + 1) << seconds;
  EXPECT_EQ(civil.day, utc.tm_mday) << seconds;
  EXPECT_EQ(civil.hour, utc.tm_hour) << seconds;
  EXPECT_EQ(civil.minute, utc.tm_min) << seconds;
  EXPECT_EQ(civil.weekday, utc.tm_wday) << seconds;
  EXPECT_EQ(civil.day_of_year, utc.tm_yday + 1) << seconds;
}

TEST(CivilTime, AgreesWithTheSystem) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    ExpectAsGmtime(static_cast<int64_t>(random() % 400'000'000'000) - 200'000'000'000);
  }
  for (const int64_t edge : {int64_t{-1}, int64_t{0}, int64_t{951'782'400}, int64_t{951'868'799},
                             int64_t{-2'208'988'800}, int64_t{4'107'542'400}}) {
    ExpectAsGmtime(edge);
  }
}

TEST(CivilTime, KnowsLeapYears) {
  EXPECT_EQ(CivilFromUnixSeconds(951'782'400).days_in_month, 29);    // 2000-02-29
  EXPECT_EQ(CivilFromUnixSeconds(4'105'123'200).days_in_month, 28);  // 2100-02-01
  EXPECT_EQ(CivilFromUnixSeconds(1'706'745'600).days_in_month, 29);  // 2024-02-01
}

TEST(CivilTime, TakesTheEndsOfTheRange) {
  EXPECT_LT(CivilFromUnixSeconds(INT64_MIN).year, -200'000'000'000);
  EXPECT_GT(CivilFromUnixSeconds(INT64_MAX).year, 200'000'000'000);
}

}  // namespace
}  // namespace varve::promql::exec
