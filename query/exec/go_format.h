// Numbers and strings as Go prints them, for labels and messages that must read as the reference's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "varve/labels.h"

namespace varve::promql::exec {

// strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back, no exponent.
std::string FormatGoFixed(double value);
// fmt's %g and %v: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
std::string FormatGoShort(double value);
// fmt's %.<digits>g.
std::string FormatGoDigits(double value, int digits);
// fmt's %f: six decimals.
std::string FormatGoDecimal(double value);
// fmt's %q.
std::string QuoteGo(std::string_view text);
// {a="b", c="d"} with the metric name as __name__.
std::string FormatGoLabels(const Labels& labels);
// 2006-01-02T15:04:05Z of a time in milliseconds, cut to seconds.
std::string FormatRfc3339Seconds(int64_t time_ms);

// strconv.ParseFloat for the values of `le`; false when it is no number.
[[nodiscard]] bool ParseGoFloat(std::string_view text, double* value);

}  // namespace varve::promql::exec
