#include "tests/model/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace varve::model {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

Labels UniverseLabels(size_t i) {
  LabelsBuilder builder;
  builder.Set("__name__", i % 3 == 0 ? "requests_total" : "temperature");
  builder.Set("job", "job-" + std::to_string(i % 4));
  builder.Set("instance", std::to_string(i));
  if (i % 5 == 0) builder.Set("Zone", std::string("a\0b", 3));
  if (i % 7 == 0) builder.Set("\xc3\xa4rger", "\xe2\x82\xac " + std::string(i, 'x'));
  return builder.Build();
}

}  // namespace

double RandomValue(std::mt19937_64* random) {
  switch ((*random)() % 12) {
    case 0:
      return std::bit_cast<double>(kStaleMarkerBits);
    case 1:
      return std::bit_cast<double>(0x7ff8000000000000 | ((*random)() & 0x7ffffffffffff));
    case 2:
      return std::bit_cast<double>(0xfff0000000000001 | ((*random)() & 0xffff));
    case 3:
      return (*random)() % 2 == 0 ? std::numeric_limits<double>::infinity()
                                  : -std::numeric_limits<double>::infinity();
    case 4:
      return (*random)() % 2 == 0 ? -0.0 : 0.0;
    case 5:
      return std::bit_cast<double>((*random)() & 0xfff);  // denormals
    case 6:
      return std::bit_cast<double>((*random)());
    case 7:
    case 8:
      return static_cast<double>((*random)() % 1000) / 10;
    default:
      return static_cast<double>((*random)() % 100'000);
  }
}

Workload::Workload(uint64_t seed, size_t series_count) : random_(seed), now_ms_(kStartMs) {
  for (size_t i = 0; i < series_count; ++i) series_.push_back({UniverseLabels(i), 0, kNoSeries});
}

void Workload::ForgetReferences() {
  for (Series& series : series_) series.ref = kNoSeries;
}

void Workload::JumpAhead(int64_t delta_ms) {
  now_ms_ += delta_ms;
  for (Series& series : series_) {
    if (series.newest_ms != 0 && Below(2) == 0) series.newest_ms += delta_ms;
  }
}

int64_t Workload::RandomTime(Series* series) {
  if (series->newest_ms == 0) {
    series->newest_ms = now_ms_ + static_cast<int64_t>(Below(kMinuteMs));
    return series->newest_ms;
  }
  const int64_t newest = series->newest_ms;
  switch (Below(16)) {
    case 0:
      return newest;  // once more
    case 1:
      return newest - static_cast<int64_t>(Below(kMinuteMs * 50));  // late
    case 2:
      return newest - static_cast<int64_t>(Below(kHourMs * 30));  // far too late
    case 3:
      return newest - 15'000 * static_cast<int64_t>(Below(20));  // on another's time
    case 4:
      series->newest_ms += static_cast<int64_t>(Below(kHourMs));
      return series->newest_ms;
    case 5:
      series->newest_ms += 14'000 + static_cast<int64_t>(Below(2'000));  // jitter
      return series->newest_ms;
    default:
      series->newest_ms += 15'000;
      return series->newest_ms;
  }
}

void Workload::AddShuffledLabels(const Labels& labels, WriteBatch* batch) {
  std::vector<LabelView> views(labels.begin(), labels.end());
  views.push_back({"absent", ""});  // an empty value is no label
  std::shuffle(views.begin(), views.end(), random_);
  for (const LabelView& label : views) batch->AddLabel(label.name, label.value);
}

void Workload::BeginSeries(const Sent& sent, WriteBatch* batch) {
  if (sent.series == kInvalid) {
    batch->BeginSeries();
    if (Below(2) == 0) return;  // no labels
    batch->AddLabel("twice", "a");
    batch->AddLabel("twice", "b");
    return;
  }
  const Labels& labels = series_[sent.series].labels;
  if (sent.ref != kNoSeries) {
    batch->BeginSeries(sent.ref);
  } else if (Below(3) == 0) {
    batch->BeginSeries();
    AddShuffledLabels(labels, batch);
  } else {
    batch->BeginSeries(labels);
  }
}

void Workload::AppendBatch(Database* database, Twin* twin) {
  WriteBatch batch;
  std::vector<Sent> sent(1 + Below(8));
  for (Sent& one : sent) {
    const size_t sample_count = 1 + Below(Below(4) == 0 ? 40 : 4);
    if (Below(40) == 0) {
      one.series = kInvalid;
      for (size_t i = 0; i < sample_count; ++i) one.samples.push_back({now_ms_, 1.0});
    } else {
      one.series = Below(series_.size());
      Series& series = series_[one.series];
      if (Below(2) == 0) one.ref = series.ref;
      for (size_t i = 0; i < sample_count; ++i) {
        one.samples.push_back({RandomTime(&series), RandomValue(&random_)});
      }
    }
    BeginSeries(one, &batch);
    for (const Sample& sample : one.samples) batch.AddSample(sample.timestamp_ms, sample.value);
  }
  Result<AppendResult> result = database->Append(&batch);
  while (!result.ok() && result.status().code() == StatusCode::kResourceExhausted) {
    const Status flushed = database->Flush();
    ASSERT_TRUE(flushed.ok()) << flushed.ToString();
    result = database->Append(&batch);
  }
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(result->samples_appended + result->samples_rejected, batch.sample_count());
  Learn(batch, *result, sent, twin);
}

void Workload::Learn(const WriteBatch& batch, const AppendResult& result,
                     const std::vector<Sent>& sent, Twin* twin) {
  uint64_t accepted = 0;
  for (size_t i = 0; i < sent.size(); ++i) {
    const SeriesRef ref = batch.series_ref(i);
    if (sent[i].series == kInvalid) {
      EXPECT_EQ(ref, kNoSeries);
      continue;
    }
    Series& series = series_[sent[i].series];
    if (ref == kNoSeries) {
      EXPECT_NE(sent[i].ref, kNoSeries) << series.labels.ToString() << " was refused by its labels";
      series.ref = kNoSeries;
      continue;
    }
    series.ref = ref;
    accepted += sent[i].samples.size();
    for (const Sample& sample : sent[i].samples) {
      twin->Append(series.labels, sample.timestamp_ms, sample.value);
    }
  }
  EXPECT_EQ(accepted, result.samples_appended);
}

Selector Workload::RandomSelector() {
  Selector selector;
  const std::string number = std::to_string(Below(series_.size()));
  const std::string job = "job-" + std::to_string(Below(5));
  for (uint64_t i = Below(3); i > 0; --i) {
    switch (Below(8)) {
      case 0:
        selector.push_back({MatchOp::kEqual, "job", job});
        break;
      case 1:
        selector.push_back({MatchOp::kNotEqual, "job", job});
        break;
      case 2:
        selector.push_back({MatchOp::kRegexMatch, "instance", number + "|7|nothing"});
        break;
      case 3:
        selector.push_back({MatchOp::kRegexNotMatch, "job", "job-1|" + job});
        break;
      case 4:
        selector.push_back({MatchOp::kEqual, "Zone", ""});
        break;
      case 5:
        selector.push_back({MatchOp::kRegexMatch, "Zone", ".+"});
        break;
      case 6:
        selector.push_back({MatchOp::kRegexMatch, "__name__", "req.*"});
        break;
      default:
        selector.push_back({MatchOp::kEqual, "instance", number});
    }
  }
  return selector;
}

TimeRange Workload::RandomRange() {
  const int64_t around = now_ms_ - 24 * kHourMs + static_cast<int64_t>(Below(48 * kHourMs));
  switch (Below(6)) {
    case 0:
      return {};
    case 1:
      return {around, around};
    case 2:
      return {around, around - 1};
    case 3:
      return {series_[Below(series_.size())].newest_ms, INT64_MAX};
    default:
      return {around, around + static_cast<int64_t>(Below(12 * kHourMs))};
  }
}

}  // namespace varve::model
