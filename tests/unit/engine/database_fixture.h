// What the tests of whole databases share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/reader.h"
#include "tests/model/test_directory.h"
#include "varve/database.h"

namespace varve::engine {

inline constexpr int64_t kNowMs = 1'700'000'000'000;

class DatabaseFixture : public testing::Test {
 protected:
  DatabaseFixture() {
    options_.durability = Durability::kNone;
    options_.retention_ms = 0;
    options_.future_limit_ms = 0;
    options_.free_disk_bytes_min = 0;
    options_.now_ms = [this] { return clock_.NowMs(); };
  }

  void Open() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::Open(options_, directory_.path());
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    database_ = *std::move(opened);
  }

  AppendResult Append(WriteBatch* batch) {
    Result<AppendResult> result = database_->Append(batch);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *std::move(result) : AppendResult();
  }
  AppendResult Append(const Labels& labels, int64_t time_ms, double value) {
    WriteBatch batch;
    batch.BeginSeries(labels);
    batch.AddSample(time_ms, value);
    return Append(&batch);
  }

  // The samples of the one series that has these labels.
  SampleBuffer Read(const Labels& labels) {
    Selector selector;
    for (const LabelView label : labels) {
      selector.push_back({MatchOp::kEqual, std::string(label.name), std::string(label.value)});
    }
    const SelectRequest request{selector, INT64_MIN, INT64_MAX};
    SampleBuffer buffer;
    const auto selections = NewReader(database_.get())->Select({&request, 1});
    EXPECT_TRUE(selections.ok()) << selections.status().ToString();
    if (!selections.ok() || selections->front()->series_count() == 0) return buffer;
    EXPECT_EQ(selections->front()->series_count(), 1u);
    const Status status = selections->front()->Read(0, INT64_MIN, INT64_MAX, &buffer);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return buffer;
  }

  ManualClock clock_{kNowMs};
  Options options_;
  model::TestDirectory directory_;
  std::unique_ptr<Database> database_;
};

}  // namespace varve::engine
