#include "query/exec/civil_time.h"

namespace varve::promql::exec {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kDaysPerEra = 146'097;  // 400 years

bool IsLeapYear(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[month - 1];
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in
// March, so that the leap day is the last of its year.
CivilTime CivilFromUnixSeconds(int64_t seconds) {
  const int64_t days = FloorDivide(seconds, kSecondsPerDay);
  const int64_t remainder = seconds % kSecondsPerDay;
  const int64_t second_of_day = remainder < 0 ? remainder + kSecondsPerDay : remainder;
  const int64_t shifted = days + 719'468;  // since 0000-03-01
  const int64_t era = FloorDivide(shifted, kDaysPerEra);
  const int64_t day_of_era = shifted - era * kDaysPerEra;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_march_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * day_of_march_year + 2) / 153;

  CivilTime out;
  out.day = static_cast<int>(day_of_march_year - (153 * march_month + 2) / 5 + 1);
  out.month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
  out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
  out.hour = static_cast<int>(second_of_day / 3600);
  out.minute = static_cast<int>(second_of_day / 60 % 60);
  const int64_t weekday = (days + 4) % 7;
  out.weekday = static_cast<int>(weekday < 0 ? weekday + 7 : weekday);
  out.day_of_year = out.day;
  for (int month = 1; month < out.month; ++month) {
    out.day_of_year += DaysInMonth(out.year, month);
  }
  out.days_in_month = DaysInMonth(out.year, out.month);
  return out;
}

}  // namespace varve::promql::exec
