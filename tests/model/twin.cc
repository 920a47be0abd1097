#include "tests/model/twin.h"

#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>

#include "base/status_macros.h"
#include "engine/reader.h"

namespace varve::model {
namespace {

bool RegexMatches(std::string_view pattern, std::string_view value) {
  if (pattern.ends_with(".*")) return value.starts_with(pattern.substr(0, pattern.size() - 2));
  if (pattern.ends_with(".+")) {
    const std::string_view literal = pattern.substr(0, pattern.size() - 2);
    return value.size() > literal.size() && value.starts_with(literal);
  }
  while (true) {
    const size_t bar = pattern.find('|');
    if (pattern.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    pattern.remove_prefix(bar + 1);
  }
}

bool Matches(const Labels& labels, const Matcher& matcher) {
  const std::string_view value = labels.Get(matcher.name);
  switch (matcher.op) {
    case MatchOp::kEqual:
      return value == matcher.value;
    case MatchOp::kNotEqual:
      return value != matcher.value;
    case MatchOp::kRegexMatch:
      return RegexMatches(matcher.value, value);
    case MatchOp::kRegexNotMatch:
      return !RegexMatches(matcher.value, value);
  }
  return false;
}

std::string Show(int64_t timestamp_ms, const StoredSample& sample) {
  std::array<char, 160> text;
  if (sample.histogram != nullptr) {
    std::snprintf(text.data(), text.size(),
                  "%lld ms: histogram of count %.17g, sum %.17g, start %lld",
                  static_cast<long long>(timestamp_ms), sample.histogram->count,
                  sample.histogram->sum, static_cast<long long>(sample.start_ms));
  } else {
    std::snprintf(text.data(), text.size(), "%lld ms: 0x%016llx (%.17g), start %lld",
                  static_cast<long long>(timestamp_ms),
                  static_cast<unsigned long long>(sample.bits), std::bit_cast<double>(sample.bits),
                  static_cast<long long>(sample.start_ms));
  }
  return text.data();
}

std::string SeriesDifference(const SeriesSamples& expected, const SeriesSamples& actual) {
  for (const auto& [time, sample] : expected) {
    const auto found = actual.find(time);
    if (found == actual.end()) return "missing " + Show(time, sample);
    if (found->second != sample)
      return "wanted " + Show(time, sample) + ", got " + Show(time, found->second);
  }
  for (const auto& [time, sample] : actual) {
    if (!expected.contains(time)) return "never written: " + Show(time, sample);
  }
  return {};
}

// Adds one kind of a buffer to `samples`, checking its times. `sample(k)` makes the k-th.
template <typename MakeSample>
Status AddColumn(const std::vector<int64_t>& timestamps_ms, TimeRange range, MakeSample sample,
                 SeriesSamples* samples) {
  for (size_t k = 0; k < timestamps_ms.size(); ++k) {
    const int64_t time = timestamps_ms[k];
    if (time < range.min_ms || time > range.max_ms || (k > 0 && time <= timestamps_ms[k - 1]) ||
        !samples->emplace(time, sample(k)).second) {
      return InternalError("timestamp " + std::to_string(time) + " is out of order or of range");
    }
  }
  return OkStatus();
}

Result<SeriesSamples> ToSamples(const engine::SampleBuffer& buffer, TimeRange range) {
  const auto start = [](const std::vector<int64_t>& starts, size_t k) {
    return starts.empty() ? 0 : starts.at(k);
  };
  SeriesSamples samples;
  RETURN_IF_ERROR(AddColumn(
      buffer.timestamps_ms, range,
      [&](size_t k) {
        return StoredSample{std::bit_cast<uint64_t>(buffer.values.at(k)),
                            start(buffer.start_times_ms, k), nullptr};
      },
      &samples));
  RETURN_IF_ERROR(AddColumn(
      buffer.histogram_timestamps_ms, range,
      [&](size_t k) {
        return StoredSample{0, start(buffer.histogram_start_times_ms, k), buffer.histograms.at(k)};
      },
      &samples));
  return samples;
}

}  // namespace

void Twin::Append(const Labels& labels, int64_t timestamp_ms, double value, int64_t start_ms) {
  written_.insert(labels);
  samples_[labels][timestamp_ms] = {std::bit_cast<uint64_t>(value), start_ms, nullptr};
}

void Twin::Append(const Labels& labels, const HistogramSample& sample) {
  written_.insert(labels);
  samples_[labels][sample.timestamp_ms] = {0, sample.start_ms,
                                           std::make_shared<const Histogram>(sample.histogram)};
}

size_t Twin::Delete(const Selector& selector, TimeRange range) {
  const AllSamples deleted = Select(selector, range);
  for (const auto& [labels, samples] : deleted) {
    SeriesSamples& left = samples_[labels];
    for (const auto& [time, sample] : samples) left.erase(time);
    if (left.empty()) samples_.erase(labels);
  }
  return deleted.size();
}

AllSamples Twin::Select(const Selector& selector, TimeRange range) const {
  AllSamples selected;
  for (const auto& [labels, samples] : samples_) {
    if (!model::Matches(labels, selector)) continue;
    SeriesSamples part(samples.lower_bound(range.min_ms), samples.upper_bound(range.max_ms));
    if (!part.empty()) selected.emplace(labels, std::move(part));
  }
  return selected;
}

bool Matches(const Labels& labels, const Selector& selector) {
  for (const Matcher& matcher : selector) {
    if (!Matches(labels, matcher)) return false;
  }
  return true;
}

Result<AllSamples> ReadSelected(Database* database, const Selector& selector, TimeRange range) {
  const std::unique_ptr<engine::Reader> reader = engine::NewReader(database);
  const engine::SelectRequest request{selector, range.min_ms, range.max_ms};
  ASSIGN_OR_RETURN(const auto selections, reader->Select({&request, 1}));
  AllSamples all;
  engine::SampleBuffer buffer;
  const engine::SeriesSelection& selection = *selections.front();
  for (size_t i = 0; i < selection.series_count(); ++i) {
    const Labels& labels = selection.labels(i);
    RETURN_IF_ERROR(selection.Read(i, range.min_ms, range.max_ms, &buffer));
    Result<SeriesSamples> samples = ToSamples(buffer, range);
    if (!samples.ok()) return samples.status().WithContext(labels.ToString());
    if (samples->empty()) continue;
    if (!all.emplace(labels, *std::move(samples)).second) {
      return InternalError(labels.ToString() + " is listed twice");
    }
  }
  return all;
}

Result<AllSamples> ReadEverything(Database* database) { return ReadSelected(database, {}, {}); }

std::string Difference(const AllSamples& expected, const AllSamples& actual) {
  for (const auto& [labels, samples] : expected) {
    const auto found = actual.find(labels);
    if (found == actual.end()) return "series " + labels.ToString() + " is missing";
    const std::string difference = SeriesDifference(samples, found->second);
    if (!difference.empty()) return labels.ToString() + ": " + difference;
  }
  for (const auto& [labels, samples] : actual) {
    if (!expected.contains(labels)) return "series " + labels.ToString() + " was never written";
  }
  return {};
}

uint64_t EnvironmentNumber(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace varve::model
