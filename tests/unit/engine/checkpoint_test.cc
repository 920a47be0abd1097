#include "engine/metrics/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/model/test_directory.h"
#include "varve/labels.h"

namespace varve::engine {
namespace {

constexpr uint64_t kDatabaseId = 77;
constexpr int64_t kStartMs = 1'700'000'000'000;

TEST(HeadManifestTest, RoundTrips) {
  HeadManifest manifest;
  manifest.sequence = 300;
  manifest.flushed_sequence = 200;
  manifest.first_segment = 5;
  manifest.next_series_id = 100'000;
  manifest.next_file = 9;
  manifest.files = {"checkpoint-00000007.vc", "checkpoint-00000008.vc"};
  const std::string bytes = EncodeHeadManifest(manifest);
  const Result<HeadManifest> decoded = DecodeHeadManifest(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->sequence, 300u);
  EXPECT_EQ(decoded->flushed_sequence, 200u);
  EXPECT_EQ(decoded->first_segment, 5u);
  EXPECT_EQ(decoded->next_series_id, 100'000u);
  EXPECT_EQ(decoded->next_file, 9u);
  EXPECT_EQ(decoded->files, manifest.files);
}

TEST(HeadManifestTest, EveryTruncationAndEveryFlippedBitIsRefused) {
  HeadManifest manifest;
  manifest.files = {"checkpoint-00000001.vc"};
  const std::string bytes = EncodeHeadManifest(manifest);
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(DecodeHeadManifest(bytes.substr(0, i)).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_FALSE(DecodeHeadManifest(flipped).ok()) << i;
    }
  }
}

TEST(HeadManifestTest, FileNamesSortByNumber) {
  EXPECT_EQ(CheckpointFileName(7), "checkpoint-00000007.vc");
  EXPECT_EQ(CheckpointFileName(123'456'789), "checkpoint-123456789.vc");
}

class CheckpointTest : public testing::Test {
 protected:
  // Appends one sample to a series, which is created when it is new.
  static void Append(Head* head, index::SeriesId id, int64_t time_ms, double value) {
    ASSERT_TRUE(head->RestoreSeries(id, LabelsOf(id).canonical_bytes()).ok());
    MutexLock lock(&head->visibility_mutex);
    AppendToSeries(head->series(id), time_ms, value, 0, 3600'000, &head->mutable_counters);
    head->WidenTimeRange(time_ms, time_ms);
  }
  static Labels LabelsOf(index::SeriesId id) {
    return Labels{{"__name__", "series"}, {"number", std::to_string(id)}};
  }
  std::string Path(int number) const { return directory_.path() + "/" + std::to_string(number); }

  // Writes what `head` holds of series [0, count).
  void Write(Head* head, index::SeriesId count, const std::string& path) {
    std::vector<index::SeriesId> all;
    for (index::SeriesId id = 0; id < count; ++id) all.push_back(id);
    const std::vector<FrozenSeries> frozen = head->Freeze(Head::FreezeScope::kSeriesWithChunks);
    std::vector<uint64_t> offsets;
    const Status status =
        WriteCheckpoint(FileSystem::Posix(), path, kDatabaseId, head, all, frozen, &offsets);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  Status Load(const std::string& path, Head* head) {
    loaded_.emplace_back();
    return LoadCheckpoint(FileSystem::Posix(), path, kDatabaseId, head, &loaded_.back());
  }
  static uint64_t SampleCount(Head* head) {
    const HeadSelect everything{{}, INT64_MIN, INT64_MAX};
    uint64_t count = 0;
    for (const HeadSnapshot& snapshot : head->Snapshot({&everything, 1})) {
      for (const format::ChunkView& chunk : snapshot.chunks) count += chunk.sample_count;
    }
    return count;
  }

  const Options options_{};
  model::TestDirectory directory_;
  std::vector<LoadedCheckpoint> loaded_;  // mappings outlive the heads, which are the tests' locals
};

TEST_F(CheckpointTest, SeriesAndChunksComeBack) {
  Head head(options_);
  for (index::SeriesId id = 0; id < 3; ++id) {
    for (int i = 0; i < 10; ++i) Append(&head, id, kStartMs + i * 1000, id + i);
  }
  Append(&head, 1, kStartMs + 500, 42);  // late
  Write(&head, 3, Path(1));
  Head restored(options_);
  const Status status = Load(Path(1), &restored);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(loaded_.back().damaged_chunks, 0u);
  EXPECT_EQ(SampleCount(&restored), 31u);
  EXPECT_EQ(restored.next_id(), 3u);
  EXPECT_EQ(restored.TimeRangeMs(), std::pair(kStartMs, kStartMs + 9000));
  EXPECT_EQ(restored.series(1)->max_time_ms, kStartMs + 9000);
  EXPECT_EQ(restored.series(1)->newest->arrival, Arrival::kLate);
  std::string labels;
  ReaderLock lock(&restored.index_mutex);
  restored.index.AppendLabels(2, &labels);
  EXPECT_EQ(labels, LabelsOf(2).canonical_bytes());
}

TEST_F(CheckpointTest, ASeriesThatCameBackUnderANewNumberTakesThePlaceOfTheIdleOne) {
  Head writer(options_);
  ASSERT_TRUE(writer.RestoreSeries(0, LabelsOf(0).canonical_bytes()).ok());
  Write(&writer, 1, Path(1));  // the table that a flush leaves
  Head again(options_);
  ASSERT_TRUE(again.RestoreSeries(5, LabelsOf(0).canonical_bytes()).ok());
  Write(&again, 6, Path(2));
  Head restored(options_);
  ASSERT_TRUE(Load(Path(1), &restored).ok());
  const Status status = Load(Path(2), &restored);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ReaderLock lock(&restored.index_mutex);
  EXPECT_FALSE(restored.index.Contains(0));
  EXPECT_TRUE(restored.index.Contains(5));
  std::string labels;
  restored.index.AppendLabels(5, &labels);
  EXPECT_EQ(labels, LabelsOf(0).canonical_bytes());
}

TEST_F(CheckpointTest, ASeriesWithSamplesIsNotReplaced) {
  Head head(options_);
  Append(&head, 0, kStartMs, 1);
  EXPECT_EQ(head.RestoreSeries(4, LabelsOf(0).canonical_bytes()).code(), StatusCode::kDataLoss);
  EXPECT_EQ(SampleCount(&head), 1u);
}

TEST_F(CheckpointTest, LabelsThatAreNotCanonicalAreRefused) {
  Head head(options_);
  EXPECT_EQ(head.RestoreSeries(0, "").code(), StatusCode::kDataLoss);
  EXPECT_EQ(head.RestoreSeries(0, "\x05_").code(), StatusCode::kDataLoss);
  EXPECT_EQ(head.RestoreSeries(Head::kIdEnd, LabelsOf(0).canonical_bytes()).code(),
            StatusCode::kDataLoss);
}

TEST_F(CheckpointTest, EveryFlippedByteIsFound) {
  Head head(options_);
  for (index::SeriesId id = 0; id < 2; ++id) {
    for (int i = 0; i < 5; ++i) Append(&head, id, kStartMs + i * 1000, 0.1 * i);
  }
  Write(&head, 2, Path(1));
  const std::string bytes = *FileSystem::Posix()->ReadFile(Path(1));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    std::ofstream(Path(2), std::ios::binary) << flipped;
    Head restored(options_);
    const Status status = Load(Path(2), &restored);
    EXPECT_TRUE(status.code() == StatusCode::kDataLoss || loaded_.back().damaged_chunks > 0) << i;
    if (status.ok()) {
      EXPECT_EQ(SampleCount(&restored), 0u);  // both chunks lie in the damaged block
    }
  }
}

TEST_F(CheckpointTest, EveryTruncationIsFound) {
  Head head(options_);
  Append(&head, 0, kStartMs, 1);
  Write(&head, 1, Path(1));
  const uint64_t size = std::filesystem::file_size(Path(1));
  for (uint64_t kept = size; kept-- > 0;) {
    std::filesystem::resize_file(Path(1), kept);
    Head restored(options_);
    EXPECT_FALSE(Load(Path(1), &restored).ok()) << kept;
    EXPECT_EQ(SampleCount(&restored), 0u);
  }
}

TEST_F(CheckpointTest, AnotherDatabasesFileIsRefused) {
  Head head(options_);
  Append(&head, 0, kStartMs, 1);
  Write(&head, 1, Path(1));
  LoadedCheckpoint loaded;
  Head restored(options_);
  const Status status =
      LoadCheckpoint(FileSystem::Posix(), Path(1), kDatabaseId + 1, &restored, &loaded);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("another database"), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace varve::engine
