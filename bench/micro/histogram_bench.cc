// The histogram codec on a histogram of latencies: 60 buckets of schema 3, scraped every 15 s, that
// stands still, or gets so many observations between two scrapes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "storage/codec/histogram.h"

namespace varve::codec {
namespace {

constexpr int kBuckets = 60;
constexpr int kFirstBucket = -30;
constexpr int64_t kSamples = 2000;

std::vector<HistogramSample> MakeSamples(int64_t observations) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(-1, 0.7);
  Histogram histogram;
  histogram.form = Histogram::Form::kInteger;
  histogram.schema = 3;
  histogram.positive_spans = {{kFirstBucket, kBuckets}};
  histogram.positive_buckets.assign(kBuckets, 0);
  std::vector<HistogramSample> samples;
  for (int64_t i = 0; i < kSamples; ++i) {
    for (int64_t k = i == 0 ? 5000 : observations; k > 0; --k) {
      const double seconds = latency(random);
      const int bucket = static_cast<int>(std::ceil(std::log2(seconds) * 8)) - kFirstBucket;
      ++histogram.positive_buckets[static_cast<size_t>(std::clamp(bucket, 0, kBuckets - 1))];
      ++histogram.count;
      histogram.sum += seconds;
    }
    samples.push_back({1'700'000'000'000 + i * 15'000, 0, histogram});
  }
  return samples;
}

struct Chunk {
  std::string payload;
  uint32_t sample_count = 0;
};

std::vector<Chunk> Encode(const std::vector<HistogramSample>& samples) {
  std::vector<Chunk> chunks;
  for (size_t next = 0; next < samples.size();) {
    HistogramEncoder encoder;
    for (; next < samples.size() && encoder.HasRoomFor(samples[next].histogram); ++next) {
      encoder.Append(samples[next].timestamp_ms, samples[next].start_ms, samples[next].histogram);
    }
    chunks.push_back({std::string(encoder.payload()), encoder.sample_count()});
  }
  return chunks;
}

void BM_HistogramEncode(benchmark::State& state) {
  const std::vector<HistogramSample> samples = MakeSamples(state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const Chunk& chunk : Encode(samples)) bytes += chunk.payload.size();
  }
  state.counters["bytes_per_histogram"] = static_cast<double>(bytes) / kSamples;
  state.SetItemsProcessed(state.iterations() * kSamples);
}
BENCHMARK(BM_HistogramEncode)->ArgName("observations")->Arg(0)->Arg(15)->Arg(750);

void BM_HistogramDecode(benchmark::State& state) {
  const std::vector<Chunk> chunks = Encode(MakeSamples(state.range(0)));
  std::vector<int64_t> timestamps;
  std::vector<int64_t> starts;
  std::vector<HistogramPtr> histograms;
  for (auto _ : state) {
    for (const Chunk& chunk : chunks) {
      timestamps.clear();
      starts.clear();
      histograms.clear();
      const Status status =
          HistogramDecode(chunk.payload, chunk.sample_count, &timestamps, &starts, &histograms);
      VARVE_CHECK(status.ok());
      benchmark::DoNotOptimize(histograms.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * kSamples);
}
BENCHMARK(BM_HistogramDecode)->ArgName("observations")->Arg(0)->Arg(15)->Arg(750);

}  // namespace
}  // namespace varve::codec
