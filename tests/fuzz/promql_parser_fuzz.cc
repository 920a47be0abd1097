// Any text parses or is refused; what parses prints to a text that parses to the same print, on one
// line and laid out.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "query/promql/durations.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "varve/promql.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  using namespace varve::promql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(ParseSelector(text));
  static_cast<void>(ParseDurationMs(text));
  const Result<ExprPtr> expr = Parse(text);
  if (!expr.ok()) {
    VARVE_CHECK(expr.status().code() == StatusCode::kInvalidArgument);
    VARVE_CHECK(!expr.status().message().empty());
    return 0;
  }
  VARVE_CHECK(ParseToJson(text).ok());
  VARVE_CHECK(Selectors(text).ok());
  // What the resolved durations are does not show in the print.
  const Status resolved = ResolveDurations({15'000, 3'600'000}, expr->get());
  VARVE_CHECK(resolved.ok() || resolved.code() == StatusCode::kInvalidArgument);
  const std::string printed = Print(**expr);
  const Result<ExprPtr> again = Parse(printed);
  // Printing may lengthen a text beyond what may be parsed, and shows a range below 1 ms as "0s";
  // nothing else may be lost.
  if (!again.ok()) {
    VARVE_CHECK(printed.size() > kQueryBytesMax || printed.find("[0s") != std::string::npos);
    return 0;
  }
  VARVE_CHECK(Print(**again) == printed);
  VARVE_CHECK((*again)->type() == (*expr)->type());
  const std::string pretty = Prettify(**expr);
  if (pretty.size() > kQueryBytesMax) return 0;
  const Result<ExprPtr> laid_out = Parse(pretty);
  VARVE_CHECK(laid_out.ok());
  VARVE_CHECK(Print(**laid_out) == printed);
  return 0;
}
