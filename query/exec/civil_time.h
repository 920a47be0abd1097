// Unix times as dates of the proleptic Gregorian calendar in UTC, for any int64 of seconds.
#pragma once

#include <cstdint>

namespace varve::promql::exec {

struct CivilTime {
  int64_t year = 1970;
  int month = 1;  // 1-12
  int day = 1;    // 1-31
  int hour = 0;
  int minute = 0;
  int weekday = 4;      // 0 is Sunday
  int day_of_year = 1;  // 1-366
  int days_in_month = 31;
};

CivilTime CivilFromUnixSeconds(int64_t seconds);

}  // namespace varve::promql::exec
