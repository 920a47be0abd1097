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

Workload::Workload(uint64_t seed, size_t series_count)
    : random_(seed), histograms_(seed), now_ms_(kStartMs) {
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

int64_t Workload::RandomStart(size_t series, int64_t timestamp_ms) {
  if (series % 4 != 0) return 0;  // most writers do not tell
  switch (Below(6)) {
    case 0:
      return 0;
    case 1:
      return timestamp_ms - 15'000;
    case 2:
      return static_cast<int64_t>(Below(kStartMs));
    default:
      return kStartMs + static_cast<int64_t>(series);
  }
}

// Of five series, one has histograms, one both kinds.
void Workload::AddRandomSample(Sent* sent) {
  const int64_t time = RandomTime(&series_[sent->series]);
  const int64_t start = RandomStart(sent->series, time);
  const size_t kind = sent->series % 5;
  if (kind == 1 || (kind == 2 && Below(2) == 0)) {
    sent->histograms.push_back({time, start, histograms_.Next()});
    return;
  }
  sent->samples.push_back({time, RandomValue(&random_)});
  sent->start_times_ms.push_back(start);
}

void Workload::AppendBatch(Database* database, Twin* twin) {
  WriteBatch batch;
  std::vector<Sent> sent(1 + Below(8));
  for (Sent& one : sent) {
    const size_t sample_count = 1 + Below(Below(4) == 0 ? 40 : 4);
    if (Below(40) == 0) {
      one.series = kInvalid;
      one.samples.assign(sample_count, {now_ms_, 1.0});
      one.start_times_ms.assign(sample_count, 0);
    } else {
      one.series = Below(series_.size());
      Series& series = series_[one.series];
      if (Below(2) == 0) one.ref = series.ref;
      for (size_t i = 0; i < sample_count; ++i) AddRandomSample(&one);
    }
    BeginSeries(one, &batch);
    for (size_t i = 0; i < one.samples.size(); ++i) {
      batch.AddSample(one.samples[i].timestamp_ms, one.samples[i].value, one.start_times_ms[i]);
    }
    for (const HistogramSample& sample : one.histograms) {
      batch.AddHistogram(sample.timestamp_ms, sample.histogram, sample.start_ms);
    }
  }
  Result<AppendResult> result = database->Append(&batch);
  while (!result.ok() && result.status().code() == StatusCode::kResourceExhausted) {
    const Status flushed = database->Flush();
    ASSERT_TRUE(flushed.ok()) << flushed.ToString();
    result = database->Append(&batch);
  }
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(result->samples_appended + result->samples_rejected, batch.sample_count());
  ASSERT_EQ(result->histograms_appended + result->histograms_rejected, batch.histograms().size());
  Learn(batch, *result, sent, twin);
}

void Workload::Learn(const WriteBatch& batch, const AppendResult& result,
                     const std::vector<Sent>& sent, Twin* twin) {
  uint64_t accepted = 0;
  uint64_t accepted_histograms = 0;
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
    accepted_histograms += sent[i].histograms.size();
    for (size_t k = 0; k < sent[i].samples.size(); ++k) {
      const Sample& sample = sent[i].samples[k];
      twin->Append(series.labels, sample.timestamp_ms, sample.value, sent[i].start_times_ms[k]);
    }
    // Of one append, a series' histograms come after its floats.
    for (const HistogramSample& sample : sent[i].histograms) twin->Append(series.labels, sample);
  }
  EXPECT_EQ(accepted, result.samples_appended);
  EXPECT_EQ(accepted_histograms, result.histograms_appended);
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
