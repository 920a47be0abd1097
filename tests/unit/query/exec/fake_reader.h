// A reader over series held in memory, with hooks for faults.
#pragma once

#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/reader.h"

namespace varve::promql::exec {

struct FakeSeries {
  Labels labels;
  std::map<int64_t, double> samples;
  std::map<int64_t, Histogram> histograms;
};

// Shared by all readers of a test. Fill it before the first query.
struct FakeStore {
  std::vector<FakeSeries> series;
  // What the readers saw.
  std::vector<engine::SelectRequest> requests;
  std::atomic<size_t> select_count{0};
  std::atomic<size_t> read_count{0};
  // What the readers say of writes: what is added before the first query is version 0.
  uint64_t version = 0;
  std::map<uint64_t, int64_t> min_time_by_version;  // of the write that made the version
  // Called at each read, before the samples are given out.
  std::function<Status()> on_read;

  FakeSeries& Add(Labels labels) {
    return series.emplace_back(FakeSeries{std::move(labels), {}, {}});
  }
  // Samples every `interval_ms` from 0 on.
  void Add(Labels labels, int64_t interval_ms, const std::vector<double>& values) {
    FakeSeries& added = Add(std::move(labels));
    for (size_t i = 0; i < values.size(); ++i) {
      added.samples[static_cast<int64_t>(i) * interval_ms] = values[i];
    }
  }
};

inline bool Matches(const Labels& labels, const Matcher& matcher) {
  const std::string value(labels.Get(matcher.name));
  switch (matcher.op) {
    case MatchOp::kEqual:
      return value == matcher.value;
    case MatchOp::kNotEqual:
      return value != matcher.value;
    case MatchOp::kRegexMatch:
      return RE2::FullMatch(value, matcher.value);
    case MatchOp::kRegexNotMatch:
      return !RE2::FullMatch(value, matcher.value);
  }
  return false;
}

class FakeSelection final : public engine::SeriesSelection {
 public:
  FakeSelection(FakeStore* store, const engine::SelectRequest& request)
      : store_(store), request_(request) {
    for (const FakeSeries& series : store->series) {
      const bool all =
          std::all_of(request.matchers.begin(), request.matchers.end(),
                      [&](const Matcher& matcher) { return Matches(series.labels, matcher); });
      if (all) series_.push_back(&series);
    }
  }
  size_t series_count() const override { return series_.size(); }
  const Labels& labels(size_t i) const override { return series_[i]->labels; }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, engine::SampleBuffer* out) const override {
    ++store_->read_count;
    if (store_->on_read) {
      if (Status status = store_->on_read(); !status.ok()) return status;
    }
    if (min_ms < request_.min_ms || max_ms > request_.max_ms) {
      return InternalError("read outside of the range that was selected");
    }
    out->Clear();
    const auto& samples = series_[i]->samples;
    for (auto it = samples.lower_bound(min_ms); it != samples.end() && it->first <= max_ms; ++it) {
      out->timestamps_ms.push_back(it->first);
      out->values.push_back(it->second);
    }
    const auto& histograms = series_[i]->histograms;
    for (auto it = histograms.lower_bound(min_ms); it != histograms.end() && it->first <= max_ms;
         ++it) {
      out->histogram_timestamps_ms.push_back(it->first);
      out->histograms.push_back(std::make_shared<const Histogram>(it->second));
    }
    return OkStatus();
  }

 private:
  FakeStore* const store_;
  const engine::SelectRequest request_;
  std::vector<const FakeSeries*> series_;
};

class FakeReader final : public engine::Reader {
 public:
  using Reader::Select;
  explicit FakeReader(FakeStore* store) : store_(store) {}
  Result<std::vector<std::shared_ptr<const engine::SeriesSelection>>> Select(
      std::span<const engine::SelectRequest> requests, const engine::SelectCheck& check) override {
    ++store_->select_count;
    store_->requests.assign(requests.begin(), requests.end());
    std::vector<std::shared_ptr<const engine::SeriesSelection>> out;
    for (const engine::SelectRequest& request : requests) {
      auto selection = std::make_shared<FakeSelection>(store_, request);
      uint64_t label_bytes = 0;
      for (size_t i = 0; i < selection->series_count(); ++i) {
        label_bytes += selection->labels(i).canonical_bytes().size();
      }
      if (check) {
        if (Status status = check(selection->series_count(), label_bytes); !status.ok()) {
          return status;
        }
      }
      out.push_back(std::move(selection));
    }
    return out;
  }

  uint64_t version() override { return store_->version; }
  int64_t MinTimeSince(uint64_t version) override {
    int64_t min_ms = INT64_MAX;
    for (const auto& [number, time_ms] : store_->min_time_by_version) {
      if (number > version) min_ms = std::min(min_ms, time_ms);
    }
    return min_ms;
  }

 private:
  FakeStore* const store_;
};

}  // namespace varve::promql::exec
