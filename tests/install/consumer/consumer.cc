// Writes a sample and asks for it, with nothing but the installed package.
#include <cstdio>

#include "varve/database.h"
#include "varve/promql.h"

int main() {
  auto database = varve::Database::Open({.retention_ms = 0}, "data");
  if (!database.ok()) return std::puts(database.status().ToString().c_str()), 1;
  varve::WriteBatch batch;
  batch.BeginSeries(varve::Labels{{"__name__", "temperature"}, {"room", "attic"}});
  batch.AddSample(1'700'000'000'000, 21.5);
  const auto appended = (*database)->Append(&batch);
  if (!appended.ok() || appended->samples_appended != 1) return std::puts("not appended"), 1;
  varve::promql::Engine engine(database->get(), {});
  const auto result = engine.Instant("temperature * 2", 1'700'000'000'000, {});
  if (!result.ok()) return std::puts(result.status().ToString().c_str()), 1;
  const auto& vector = std::get<varve::promql::Vector>(result->value);
  if (vector.size() != 1 || vector[0].point.value != 43) return std::puts("wrong answer"), 1;
  return (*database)->Close().ok() ? 0 : 1;
}
