// promql::Engine over the database.
#include <memory>
#include <utility>

#include "base/clock.h"
#include "engine/reader.h"
#include "query/exec/query_engine.h"
#include "varve/promql.h"

namespace varve::promql {

class Engine::Impl : public exec::QueryEngine {
 public:
  using exec::QueryEngine::QueryEngine;
};

Engine::Engine(Database* database, const EngineOptions& options)
    : impl_(std::make_unique<Impl>([database] { return engine::NewReader(database); }, options,
                                   Clock::System())) {}

Engine::~Engine() = default;

Result<QueryResult> Engine::Instant(std::string_view expression, int64_t time_ms,
                                    const QueryOptions& options) {
  return impl_->Instant(expression, time_ms, options);
}

Result<QueryResult> Engine::Range(std::string_view expression, int64_t start_ms, int64_t end_ms,
                                  int64_t step_ms, const QueryOptions& options) {
  return impl_->Range(expression, start_ms, end_ms, step_ms, options);
}

const EngineOptions& Engine::options() const { return impl_->options(); }

}  // namespace varve::promql
