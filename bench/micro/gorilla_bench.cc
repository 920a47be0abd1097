// The Gorilla codec on made-up series of the kinds that real scrapes have: constant, counters of
// integers, gauges of short decimals, true floats; scraped every 5 s, a sixth of the samples some
// milliseconds late.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "storage/codec/gorilla.h"

namespace varve::codec {
namespace {

enum Kind : int64_t { kConstant, kCounter, kDecimal, kFloat };
constexpr size_t kSamples = 240;

struct Columns {
  std::vector<int64_t> timestamps;
  std::vector<double> values;
};

Columns MakeSeries(int64_t kind) {
  std::mt19937_64 random(1);
  Columns columns;
  double value = 1000;
  for (size_t i = 0; i < kSamples; ++i) {
    const int64_t late = random() % 6 == 0 ? static_cast<int64_t>(random() % 20) : 0;
    columns.timestamps.push_back(1'700'000'000'000 + static_cast<int64_t>(i) * 5000 + late);
    if (kind == kCounter && random() % 2 == 0) value += static_cast<double>(random() % 100);
    if (kind == kDecimal)
      value = std::round(value * 10 + static_cast<double>(random() % 11) - 5) / 10;
    if (kind == kFloat) value *= 1 + 1e-3 * static_cast<double>(random() % 100);
    columns.values.push_back(value);
  }
  return columns;
}

std::string Encode(const Columns& columns, GorillaState* state) {
  std::string payload((kSamples + 1) * kGorillaAppendBytesMax, '\0');
  auto* bytes = reinterpret_cast<uint8_t*>(payload.data());
  for (size_t i = 0; i < kSamples; ++i) {
    GorillaAppend(state, bytes, columns.timestamps[i], columns.values[i]);
  }
  return payload;
}

void BM_GorillaAppend(benchmark::State& state) {
  const Columns columns = MakeSeries(state.range(0));
  std::vector<uint8_t> payload((kSamples + 1) * kGorillaAppendBytesMax);
  for (auto _ : state) {
    GorillaState encoder;
    for (size_t i = 0; i < kSamples; ++i) {
      GorillaAppend(&encoder, payload.data(), columns.timestamps[i], columns.values[i]);
    }
    benchmark::DoNotOptimize(payload.data());
    state.counters["bytes_per_sample"] = static_cast<double>(GorillaBytes(encoder)) / kSamples;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSamples));
}
BENCHMARK(BM_GorillaAppend)->ArgName("kind")->DenseRange(kConstant, kFloat);

void BM_GorillaDecode(benchmark::State& state) {
  GorillaState encoder;
  std::string payload = Encode(MakeSeries(state.range(0)), &encoder);
  payload.resize(GorillaBytes(encoder));
  std::vector<int64_t> timestamps;
  std::vector<double> values;
  for (auto _ : state) {
    timestamps.clear();
    values.clear();
    if (!GorillaDecode(payload, kSamples, &timestamps, &values).ok()) {
      state.SkipWithError("the payload does not decode");
      break;
    }
    benchmark::DoNotOptimize(values.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSamples));
}
BENCHMARK(BM_GorillaDecode)->ArgName("kind")->DenseRange(kConstant, kFloat);

}  // namespace
}  // namespace varve::codec
