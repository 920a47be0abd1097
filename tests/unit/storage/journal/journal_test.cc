#include "storage/journal/journal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/journal/segment_format.h"

namespace varve::journal {
namespace {

constexpr uint64_t kDatabase = 0x1234567890abcdef;

struct Entry {
  uint64_t sequence;
  std::string body;
  friend bool operator==(const Entry&, const Entry&) = default;
};

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "varve-journal-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Writer> NewWriter(uint64_t first_segment, uint64_t segment_bytes_max = 64 << 20) {
    return std::make_unique<Writer>(FileSystem::Posix(), directory_,
                                    WriterOptions{segment_bytes_max, kDatabase}, first_segment);
  }
  // Appends one record and remembers it.
  void Put(Writer* writer, std::string body) {
    const Entry entry{++sequence_, std::move(body)};
    const Record record{entry.sequence, RecordKind::kSamples, entry.body};
    const Status status = writer->Append({&record, 1});
    ASSERT_TRUE(status.ok()) << status.ToString();
    written_.push_back(entry);
  }
  Result<ReplayReport> ReplayInto(std::vector<Entry>* out, uint64_t first_segment = 1,
                                  uint64_t after = 0) {
    ReplayCallbacks callbacks;
    callbacks.on_record = [&](const Record& record) {
      out->push_back({record.sequence, std::string(record.body)});
      return OkStatus();
    };
    return Replay(FileSystem::Posix(), directory_, kDatabase, first_segment, after, callbacks);
  }
  // Replays everything and expects exactly `expected`.
  ReplayReport ExpectReplay(const std::vector<Entry>& expected, uint64_t first_segment = 1) {
    std::vector<Entry> entries;
    auto report = ReplayInto(&entries, first_segment);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(entries, expected);
    return report.ok() ? *report : ReplayReport();
  }
  std::string SegmentPath(uint64_t number) const { return directory_ + "/" + SegmentName(number); }
  std::string ReadSegment(uint64_t number) {
    auto bytes = FileSystem::Posix()->ReadFile(SegmentPath(number));
    EXPECT_TRUE(bytes.ok());
    return bytes.ok() ? *bytes : "";
  }
  void WriteSegment(uint64_t number, std::string_view bytes) {
    std::ofstream(SegmentPath(number), std::ios::binary) << bytes;
  }

  std::string directory_;
  uint64_t sequence_ = 0;
  std::vector<Entry> written_;
};

TEST_F(JournalTest, AnEmptyDirectoryIsAnEmptyJournal) {
  const ReplayReport report = ExpectReplay({});
  EXPECT_EQ(report.next_segment, 1u);
  EXPECT_EQ(report.last_sequence, 0u);
  EXPECT_FALSE(report.torn_tail);
  EXPECT_TRUE(report.damage.empty());
  EXPECT_EQ(ExpectReplay({}, 7).next_segment, 7u);
}

TEST_F(JournalTest, NothingIsCreatedBeforeTheFirstAppend) {
  const auto writer = NewWriter(1);
  EXPECT_TRUE(writer->Sync().ok());
  EXPECT_EQ(*writer->StartSegment(), 1u);
  EXPECT_TRUE(writer->Append({}).ok());
  EXPECT_TRUE(writer->Close().ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(JournalTest, ReplaysWhatWasAppendedWithKindsAndSizes) {
  auto writer = NewWriter(1);
  const std::string big(300'000, 'b');
  const std::string odd("\0\1\2", 3);
  const Record records[] = {{5, RecordKind::kSamples, "one"},
                            {6, RecordKind::kMetadata, ""},
                            {9, RecordKind::kSamples, big},
                            {10, RecordKind::kSamples, odd}};
  ASSERT_TRUE(writer->Append(records).ok());
  ASSERT_TRUE(writer->Sync().ok());
  EXPECT_EQ(writer->sync_count(), 1u);
  EXPECT_TRUE(writer->Sync().ok());
  EXPECT_EQ(writer->sync_count(), 1u);  // nothing to do
  EXPECT_EQ(writer->bytes_appended(), ReadSegment(1).size());
  ASSERT_TRUE(writer->Close().ok());

  std::vector<std::pair<Entry, RecordKind>> seen;
  size_t segments_done = 0;
  ReplayCallbacks callbacks;
  callbacks.on_record = [&](const Record& r) {
    seen.push_back({{r.sequence, std::string(r.body)}, r.kind});
    return OkStatus();
  };
  callbacks.on_segment_done = [&] {
    ++segments_done;
    return OkStatus();
  };
  auto report = Replay(FileSystem::Posix(), directory_, kDatabase, 1, 0, callbacks);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(seen.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen[i].first, (Entry{records[i].sequence, std::string(records[i].body)}));
    EXPECT_EQ(seen[i].second, records[i].kind);
  }
  EXPECT_EQ(segments_done, 1u);
  EXPECT_EQ(report->next_segment, 2u);
  EXPECT_EQ(report->last_sequence, 10u);
  EXPECT_EQ(report->record_count, 4u);
  EXPECT_EQ(report->byte_count, ReadSegment(1).size());
}

TEST_F(JournalTest, OnlyLaterSequencesAreReplayed) {
  auto writer = NewWriter(1);
  for (int i = 0; i < 5; ++i) Put(writer.get(), "x");
  std::vector<Entry> entries;
  auto report = ReplayInto(&entries, 1, 3);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(entries, (std::vector<Entry>{{4, "x"}, {5, "x"}}));
  EXPECT_EQ(report->last_sequence, 5u);
}

TEST_F(JournalTest, FullSegmentsAreSyncedAndFollowedByNewOnes) {
  auto writer = NewWriter(3, 4096);
  for (size_t i = 0; i < 100; ++i) Put(writer.get(), std::string(i * 17 % 900, 'r'));
  Put(writer.get(), std::string(10'000, 'L'));  // larger than a segment
  Put(writer.get(), "after");
  EXPECT_GT(writer->sync_count(), 5u);
  ASSERT_TRUE(writer->Close().ok());
  const ReplayReport report = ExpectReplay(written_, 3);
  EXPECT_GT(report.next_segment, 10u);
  EXPECT_TRUE(report.damage.empty());
  uint64_t larger = 0;
  for (uint64_t number = 3; number < report.next_segment; ++number) {
    if (ReadSegment(number).size() > 4096) ++larger;
  }
  EXPECT_EQ(larger, 1u);
}

TEST_F(JournalTest, StartSegmentAndRemoveDropWhatIsNoLongerNeeded) {
  auto writer = NewWriter(1);
  Put(writer.get(), "old");
  EXPECT_EQ(*writer->StartSegment(), 2u);
  EXPECT_EQ(*writer->StartSegment(), 2u);  // no empty segments
  Put(writer.get(), "new");
  ASSERT_TRUE(writer->RemoveSegmentsBefore(2).ok());
  EXPECT_FALSE(std::filesystem::exists(SegmentPath(1)));
  ExpectReplay({{2, "new"}}, 2);
}

TEST_F(JournalTest, CloseGivesBackRoomAndRefusesMore) {
  auto writer = NewWriter(1);
  Put(writer.get(), "x");
  ASSERT_TRUE(writer->Close().ok());
  const Record record{2, RecordKind::kSamples, "y"};
  EXPECT_EQ(writer->Append({&record, 1}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(writer->Sync().code(), StatusCode::kFailedPrecondition);
  ExpectReplay(written_);
}

TEST_F(JournalTest, EveryTruncationOfTheLastSegmentIsATornTail) {
  auto writer = NewWriter(1);
  std::vector<size_t> ends;
  for (const char* body : {"first", "second body", ""}) {
    Put(writer.get(), body);
    ends.push_back(writer->bytes_appended());
  }
  writer.reset();
  const std::string whole = ReadSegment(1);
  for (size_t size = 0; size <= whole.size(); ++size) {
    WriteSegment(1, whole.substr(0, size));
    // A record whose padding alone is missing is whole.
    const auto is_whole = [&](size_t i) {
      return size + PaddingBytes(written_[i].body.size()) >= ends[i];
    };
    std::vector<Entry> expected;
    for (size_t i = 0; i < 3 && is_whole(i); ++i) expected.push_back(written_[i]);
    const ReplayReport report = ExpectReplay(expected);
    EXPECT_TRUE(report.damage.empty()) << size;
    const bool at_boundary = size == kSegmentHeaderBytes || size == whole.size() ||
                             (!expected.empty() && size <= ends[expected.size() - 1]);
    EXPECT_EQ(report.torn_tail, !at_boundary && size != 0) << size;
    EXPECT_EQ(report.next_segment, 2u);
  }
}

TEST_F(JournalTest, AZeroTailIsTorn) {
  auto writer = NewWriter(1);
  Put(writer.get(), "x");
  writer.reset();
  WriteSegment(1, ReadSegment(1) + std::string(5000, '\0'));
  const ReplayReport report = ExpectReplay(written_);
  EXPECT_TRUE(report.torn_tail);
  EXPECT_TRUE(report.damage.empty());
}

TEST_F(JournalTest, ATornSegmentFollowedByAnotherRunStaysSilent) {
  auto writer = NewWriter(1);
  Put(writer.get(), "kept");
  Put(writer.get(), "lost");
  writer.reset();
  WriteSegment(1, ReadSegment(1).substr(0, ReadSegment(1).size() - 9));
  written_.pop_back();
  writer = NewWriter(2);
  Put(writer.get(), "next run");
  writer.reset();
  const ReplayReport report = ExpectReplay(written_);
  EXPECT_TRUE(report.damage.empty());
  EXPECT_FALSE(report.torn_tail);
}

TEST_F(JournalTest, ABadEndOfAFinishedSegmentIsDamage) {
  auto writer = NewWriter(1);
  Put(writer.get(), "kept");
  const size_t offset = writer->bytes_appended();
  Put(writer.get(), "lost");
  ASSERT_TRUE(writer->StartSegment().ok());
  Put(writer.get(), "same run");
  writer.reset();
  std::string bytes = ReadSegment(1);
  bytes[offset + kRecordHeaderBytes] ^= 1;
  WriteSegment(1, bytes);
  written_.erase(written_.begin() + 1);
  const ReplayReport report = ExpectReplay(written_);
  ASSERT_EQ(report.damage.size(), 1u);
  EXPECT_EQ(report.damage[0].file, SegmentPath(1));
  EXPECT_EQ(report.damage[0].offset, offset);
  EXPECT_EQ(report.damage[0].bytes, kRecordHeaderBytes + 8);
  EXPECT_EQ(report.damage[0].reason, "record body damaged");
}

TEST_F(JournalTest, EveryFlippedBitLosesAtMostItsRecordAndIsReported) {
  auto writer = NewWriter(1);
  std::vector<size_t> ends = {kSegmentHeaderBytes};
  for (const char* body : {"first", "the second one", "third", "last"}) {
    Put(writer.get(), body);
    ends.push_back(writer->bytes_appended());
  }
  writer.reset();
  const std::string whole = ReadSegment(1);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] ^= static_cast<char>(1 << at % 8);
    WriteSegment(1, bytes);
    std::vector<Entry> entries;
    const auto report = ReplayInto(&entries);
    if (!report.ok()) {
      // A bit of the version may turn it into that of a newer one.
      EXPECT_EQ(report.status().code(), StatusCode::kFailedPrecondition);
      EXPECT_TRUE(at >= 8 && at < 12) << at;
      continue;
    }
    std::vector<Entry> expected = written_;
    size_t hit = 4;  // the record that holds `at`; 4: the segment header
    for (size_t i = 0; i < 4; ++i) {
      if (at >= ends[i] && at < ends[i + 1]) hit = i;
    }
    const bool padding =
        hit < 4 && at >= ends[hit] + kRecordHeaderBytes + written_[hit].body.size();
    if (hit < 4 && !padding) expected.erase(expected.begin() + static_cast<ptrdiff_t>(hit));
    EXPECT_EQ(entries, expected) << at;
    EXPECT_EQ(report->damage.size(), padding || hit == 3 ? 0u : 1u) << at;
    EXPECT_EQ(report->torn_tail, hit == 3 && !padding) << at;
  }
}

TEST_F(JournalTest, GarbageBetweenRecordsIsSkippedAndMeasured) {
  auto writer = NewWriter(1);
  Put(writer.get(), "a");
  const size_t first_end = writer->bytes_appended();
  Put(writer.get(), "b");
  writer.reset();
  std::mt19937_64 random(1);
  const std::string whole = ReadSegment(1);
  for (int round = 0; round < 100; ++round) {
    std::string garbage(8 * (1 + random() % 200), '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    // Also something that looks like the beginning of a record.
    garbage.replace(0, 8, "VREC\xff\xff\xff\x7f");
    WriteSegment(1, whole.substr(0, first_end) + garbage + whole.substr(first_end));
    const ReplayReport report = ExpectReplay(written_);
    ASSERT_EQ(report.damage.size(), 1u);
    EXPECT_EQ(report.damage[0].offset, first_end);
    EXPECT_EQ(report.damage[0].bytes, garbage.size());
  }
}

TEST_F(JournalTest, RecordsOfAnotherSegmentInsideABodyAreNotTakenForRecords) {
  auto writer = NewWriter(1);
  Put(writer.get(), "inner");
  ASSERT_TRUE(writer->StartSegment().ok());
  Put(writer.get(), ReadSegment(1));  // a whole segment as a body
  const size_t end = writer->bytes_appended();
  Put(writer.get(), "after");
  writer.reset();
  std::string bytes = ReadSegment(2);
  bytes[kSegmentHeaderBytes] ^= 1;  // so that the body is searched for records
  WriteSegment(2, bytes);
  ASSERT_GT(end, bytes.size());  // of both segments
  const ReplayReport report = ExpectReplay({written_[0], written_[2]});
  EXPECT_EQ(report.damage.size(), 1u);
}

TEST_F(JournalTest, ASegmentOfAnotherDatabaseOrNumberIsSkipped) {
  auto writer = NewWriter(1);
  Put(writer.get(), "ours");
  writer.reset();
  Writer stranger(FileSystem::Posix(), directory_, {64 << 20, kDatabase + 1}, 2);
  const Record record{100, RecordKind::kSamples, "theirs"};
  ASSERT_TRUE(stranger.Append({&record, 1}).ok());
  WriteSegment(3, ReadSegment(1));
  const ReplayReport report = ExpectReplay(written_);
  ASSERT_EQ(report.damage.size(), 2u);
  EXPECT_EQ(report.damage[0].file, SegmentPath(2));
  EXPECT_EQ(report.damage[0].reason, "segment of another database");
  EXPECT_EQ(report.damage[0].bytes, ReadSegment(2).size());
  EXPECT_EQ(report.damage[1].reason, "copy of another segment");
  EXPECT_EQ(report.next_segment, 4u);
}

TEST_F(JournalTest, MissingSegmentsAreDamage) {
  auto writer = NewWriter(1);
  for (int i = 0; i < 5; ++i) {
    Put(writer.get(), "x");
    ASSERT_TRUE(writer->StartSegment().ok());
  }
  writer.reset();
  for (const uint64_t gone : {1, 3, 4}) std::filesystem::remove(SegmentPath(gone));
  const ReplayReport report = ExpectReplay({{2, "x"}, {5, "x"}});
  ASSERT_EQ(report.damage.size(), 2u);
  EXPECT_EQ(report.damage[0].file, SegmentPath(1));
  EXPECT_EQ(report.damage[0].reason, "segment missing");
  EXPECT_EQ(report.damage[1].file, SegmentPath(3));
  EXPECT_EQ(report.damage[1].reason, "2 segments missing from here");
  EXPECT_EQ(ExpectReplay({{2, "x"}, {5, "x"}}, 0).damage.size(), 1u);  // 0: the oldest there is
}

TEST_F(JournalTest, SequencesThatGoBackwardsAreDamage) {
  const Record later{7, RecordKind::kSamples, "later"};
  ASSERT_TRUE(NewWriter(1)->Append({&later, 1}).ok());
  const Record records[] = {{7, RecordKind::kSamples, "again"}, {8, RecordKind::kSamples, "fine"}};
  ASSERT_TRUE(NewWriter(2)->Append(records).ok());
  const ReplayReport report = ExpectReplay({{7, "later"}, {8, "fine"}});
  ASSERT_EQ(report.damage.size(), 1u);
  EXPECT_EQ(report.damage[0].file, SegmentPath(2));
  EXPECT_EQ(report.damage[0].offset, kSegmentHeaderBytes);
  EXPECT_EQ(report.damage[0].bytes, kRecordHeaderBytes + 8);
  EXPECT_EQ(report.damage[0].reason, "sequence 7 after 7");
}

TEST_F(JournalTest, ANewerFormatIsRefused) {
  auto writer = NewWriter(1);
  Put(writer.get(), "x");
  writer.reset();
  std::string bytes = ReadSegment(1);
  bytes[8] = 2;
  WriteSegment(1, bytes);
  std::vector<Entry> entries;
  const auto report = ReplayInto(&entries);
  EXPECT_EQ(report.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(report.status().message(),
            SegmentPath(1) + ": journal segment of format 2, but this version reads up to 1");
}

TEST_F(JournalTest, ACallbacksErrorEndsTheReplay) {
  auto writer = NewWriter(1);
  for (int i = 0; i < 3; ++i) Put(writer.get(), "x");
  int calls = 0;
  ReplayCallbacks callbacks;
  callbacks.on_record = [&](const Record&) {
    return ++calls == 2 ? InternalError("stop") : OkStatus();
  };
  EXPECT_EQ(Replay(FileSystem::Posix(), directory_, kDatabase, 1, 0, callbacks).status().message(),
            "stop");
  EXPECT_EQ(calls, 2);
}

TEST_F(JournalTest, BodiesLiveUntilTheirSegmentIsDone) {
  auto writer = NewWriter(1, 2048);
  for (size_t i = 0; i < 50; ++i)
    Put(writer.get(), std::string(100 + i, static_cast<char>('a' + i % 26)));
  writer.reset();
  std::vector<std::string_view> open;
  std::vector<std::string> copied;
  ReplayCallbacks callbacks;
  callbacks.on_record = [&](const Record& r) {
    open.push_back(r.body);
    return OkStatus();
  };
  callbacks.on_segment_done = [&] {
    copied.insert(copied.end(), open.begin(), open.end());
    open.clear();
    return OkStatus();
  };
  ASSERT_TRUE(Replay(FileSystem::Posix(), directory_, kDatabase, 1, 0, callbacks).ok());
  ASSERT_EQ(copied.size(), written_.size());
  for (size_t i = 0; i < copied.size(); ++i) EXPECT_EQ(copied[i], written_[i].body);
}

TEST_F(JournalTest, SyncRunsBesideAppendAndRolls) {
  auto writer = NewWriter(1, 8192);
  std::vector<std::thread> syncers;
  std::atomic<bool> done{false};
  for (int i = 0; i < 3; ++i) {
    syncers.emplace_back([&] {
      while (!done) EXPECT_TRUE(writer->Sync().ok());
    });
  }
  for (int i = 0; i < 500; ++i) Put(writer.get(), std::string(200, 's'));
  done = true;
  for (std::thread& thread : syncers) thread.join();
  ASSERT_TRUE(writer->Close().ok());
  EXPECT_TRUE(ExpectReplay(written_).damage.empty());
}

TEST(SegmentName, RoundTripsAndRefusesOtherSpellings) {
  EXPECT_EQ(SegmentName(7), "journal-0000000007.vj");
  for (const uint64_t number :
       {uint64_t{0}, uint64_t{1}, uint64_t{9'999'999'999}, uint64_t{12'345'678'901}, UINT64_MAX}) {
    EXPECT_EQ(ParseSegmentName(SegmentName(number)), number);
  }
  for (const char* name :
       {"journal-7.vj", "journal-00000000007.vj", "journal-.vj", "journal-000000000x.vj",
        "journal-0000000007.vj~", "xjournal-0000000007.vj", "journal.vj", "",
        "journal-99999999999999999999.vj", "journal--000000007.vj"}) {
    EXPECT_FALSE(ParseSegmentName(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace varve::journal
