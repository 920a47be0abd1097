// Numbers as Go's strconv and Prometheus' JSON write them, digit for digit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::server {

// strconv.FormatFloat(v, 'f', -1, 64): the shortest digits that read back as v, without an
// exponent.
void AppendFixed(double v, std::string* out);
// A sample value in results and in the text format: as above, but with an exponent below 1e-6 and
// from 1e21 on.
void AppendValue(double v, std::string* out);
// The same at `to`, which has room for kValueBytesMax; returns the end.
inline constexpr size_t kValueBytesMax = 64;
char* WriteValue(double v, char* to);
// strconv.FormatFloat(v, 'g', -1, 64), as Prometheus' client libraries expose samples: an exponent
// from 1e21 on in results is one from 1e6 on there ("1.5e+06"), and below 1e-4.
void AppendExposedValue(double v, std::string* out);
// Milliseconds as seconds, with three decimals unless they are zero.
void AppendSeconds(int64_t timestamp_ms, std::string* out);
void AppendInteger(int64_t v, std::string* out);
void AppendInteger(uint64_t v, std::string* out);

}  // namespace varve::server
