#include "query/exec/counter_resets.h"

#include <algorithm>
#include <cmath>

#include "query/exec/start_times.h"

namespace varve::promql::exec {
namespace {

SampleTimes TimesOf(const RangeInput& in, size_t i) {
  return {in.times_ms[i], in.start_times_ms[i]};
}

template <typename IsEvent>
void CountUpTo(size_t sample_count, IsEvent&& is_event, std::vector<uint32_t>* counts) {
  counts->resize(sample_count);
  uint32_t count = 0;
  for (size_t i = 0; i < sample_count; ++i) {
    if (i > 0 && is_event(i)) ++count;
    (*counts)[i] = count;
  }
}

// Blocks without any reset, nearly all, are found without a branch per sample.
void FindFalls(std::span<const double> values, std::vector<uint32_t>* resets) {
  constexpr size_t kBlock = 32;
  const double* v = values.data();
  for (size_t begin = 1; begin < values.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, values.size());
    unsigned any = 0;
    for (size_t i = begin; i < end; ++i) any |= v[i] < v[i - 1] ? 1u : 0u;
    if (any == 0) continue;
    for (size_t i = begin; i < end; ++i) {
      if (v[i] < v[i - 1]) resets->push_back(static_cast<uint32_t>(i));
    }
  }
}

bool IsResetBefore(const RangeInput& in, size_t i) {
  return in.values[i] < in.values[i - 1] || IsStartReset(TimesOf(in, i - 1), TimesOf(in, i));
}

}  // namespace

void FindResets(const RangeInput& in, std::vector<uint32_t>* resets) {
  resets->clear();
  if (in.start_times_ms.empty()) {
    FindFalls(in.values, resets);
    return;
  }
  for (size_t i = 1; i < in.values.size(); ++i) {
    if (IsResetBefore(in, i)) resets->push_back(static_cast<uint32_t>(i));
  }
}

void CountResets(const RangeInput& in, std::vector<uint32_t>* counts) {
  const auto values = in.values;
  if (in.start_times_ms.empty()) {
    CountUpTo(
        values.size(), [&](size_t i) { return values[i] < values[i - 1]; }, counts);
  } else {
    CountUpTo(
        values.size(), [&](size_t i) { return IsResetBefore(in, i); }, counts);
  }
}

void CountChanges(const RangeInput& in, std::vector<uint32_t>* counts) {
  const auto values = in.values;
  CountUpTo(
      values.size(),
      [&](size_t i) {
        const double previous = values[i - 1];
        return values[i] != previous && !(std::isnan(values[i]) && std::isnan(previous));
      },
      counts);
}

}  // namespace varve::promql::exec
