// Any text parses as TraceQL or is refused; what parses finds spans, or measures them, or says why
// not.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "query/traceql/metrics.h"
#include "query/traceql/parser.h"
#include "query/traceql/search.h"
#include "query/traceql/trace_table.h"
#include "tests/unit/query/traceql/fake_spans.h"
#include "tests/unit/storage/random_spans.h"

namespace varve::traceql {
namespace {

const FakeSpanReader& Reader() {
  static const FakeSpanReader* const reader = [] {
    auto made = std::make_unique<FakeSpanReader>();
    format::RandomSpans random(3);
    for (int block = 0; block < 2; ++block) {
      std::vector<std::string> spans;
      for (uint64_t i = 0; i < 24; ++i) spans.push_back(random.Make(1 + i / 8, i));
      const std::string resource = ServiceOrigin("a");
      const std::string scope = format::EncodeOrigin("", "");
      std::vector<format::SpanRow> rows;
      for (const std::string& span : spans) rows.push_back({resource, scope, span});
      made->AddRows(rows);
    }
    return made.release();
  }();
  return *reader;
}

void CheckError(const Status& status) {
  VARVE_CHECK(status.ok() || !status.message().empty());
  VARVE_CHECK(status.code() != StatusCode::kDataLoss && status.code() != StatusCode::kInternal);
}

void Run(std::string_view text) {
  static_cast<void>(ParseAttribute(text));
  const Result<Query> query = Parse(text);
  if (!query.ok()) {
    VARVE_CHECK(query.status().code() == StatusCode::kInvalidArgument);
    VARVE_CHECK(!query.status().message().empty());
    return;
  }
  const auto always = [] { return OkStatus(); };
  auto table = TraceTable::Open(&Reader(), 0, UINT64_MAX);
  VARVE_CHECK(table.ok());
  if (query->metric || query->is_math) {
    MetricsRequest request;
    request.start_ns = 1'700'000'000'000'000'000;
    request.end_ns = request.start_ns + 1'000'000'000;
    request.step_ns = 100'000'000;
    request.exemplars_max = 3;
    const auto result = EvaluateMetrics(*query, request, Buckets::Of(request), EngineOptions(),
                                        table->get(), always);
    CheckError(result.status());
    return;
  }
  SearchRequest request;
  request.limit = 2;
  CheckError(Search(*query, request, TimeWindow(), table->get(), always).status());
}

}  // namespace
}  // namespace varve::traceql

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varve::traceql::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
