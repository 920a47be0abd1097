#include "storage/kv/store.h"

#include <set>

#include "base/hash.h"
#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

TEST_F(StoreTest, ANewStoreIsEmptyAndKeepsItsId) {
  ASSERT_OK(Open());
  EXPECT_TRUE(store_->current()->parts.empty());
  EXPECT_EQ(store_->disk_bytes(), 0u);
  const uint64_t id = store_->database_id();
  EXPECT_NE(id, 0u);
  ASSERT_OK(Open());
  EXPECT_EQ(store_->database_id(), id);
}

TEST_F(StoreTest, TwoStoresLiveInOneProcess) {
  ASSERT_OK(Open());
  auto other = OpenAt(root_ + "/other");
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_NE((*other)->database_id(), store_->database_id());
  auto info = CommitPart(other->get(), MakeContents(1), 1);
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_TRUE(store_->current()->parts.empty());
  ExpectPart(*(*other)->current()->parts[0], MakeContents(1));
}

TEST_F(StoreTest, ASecondOpenerIsRefused) {
  ASSERT_OK(Open());
  auto second = OpenAt(directory_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(StoreTest, APartRoundTripsAndSurvivesReopening) {
  ASSERT_OK(Open());
  auto info = CommitPart(store_.get(), MakeContents(7), 5);
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  ExpectPart(*store_->current()->parts.at(0), MakeContents(7));
  EXPECT_EQ(store_->current()->parts[0]->info(), *info);
  ASSERT_OK(Open());
  ASSERT_EQ(store_->current()->parts.size(), 1u);
  ExpectPart(*store_->current()->parts[0], MakeContents(7));
  EXPECT_EQ(store_->current()->parts[0]->info(), *info);
}

TEST_F(StoreTest, FilesAreRecordedWithSizeAndChecksum) {
  ASSERT_OK(Open());
  auto info = CommitPart(store_.get(), MakeContents(7), 5);
  ASSERT_TRUE(info.ok());
  std::set<std::pair<uint64_t, uint64_t>> recorded;
  uint64_t bytes_all = 0;
  for (const format::PartFile& file : info->files) {
    recorded.emplace(file.bytes, file.checksum);
    bytes_all += file.bytes;
  }
  std::set<std::pair<uint64_t, uint64_t>> on_disk;
  for (const std::string& path : FilesEndingIn(".sst")) {
    const std::string bytes = ReadBytes(path);
    on_disk.emplace(bytes.size(), Hash64(bytes));
  }
  EXPECT_EQ(recorded.size(), kFamilies);
  EXPECT_EQ(on_disk, recorded);
  EXPECT_EQ(store_->disk_bytes(), bytes_all);
}

TEST_F(StoreTest, CursorsSeekWithinTheirPart) {
  ASSERT_OK(Open());
  Contents first, second;
  first.emplace(std::pair(Family::kPostings, "b"), "1");
  first.emplace(std::pair(Family::kPostings, "d"), "2");
  second.emplace(std::pair(Family::kPostings, "a"), "3");
  second.emplace(std::pair(Family::kPostings, ""), "empty key");
  ASSERT_TRUE(CommitPart(store_.get(), first, 1).ok());
  ASSERT_TRUE(CommitPart(store_.get(), second, 2).ok());
  const auto version = store_->current();
  const auto cursor = version->parts[0]->NewCursor(Family::kPostings);
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("c");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "d");
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("e");
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "b");
  EXPECT_EQ(cursor->value(), "1");
  ASSERT_OK(cursor->status());
  const auto other = version->parts[1]->NewCursor(Family::kPostings);
  other->Seek("");
  ASSERT_TRUE(other->Valid());
  EXPECT_EQ(other->key(), "");
  EXPECT_EQ(other->value(), "empty key");
}

TEST_F(StoreTest, AFamilyWithoutKeysIsEmpty) {
  ASSERT_OK(Open());
  Contents contents;
  contents.emplace(std::pair(Family::kSeries, "k"), "v");
  ASSERT_TRUE(CommitPart(store_.get(), contents, 1).ok());
  ASSERT_TRUE(CommitPart(store_.get(), MakeContents(2), 2).ok());
  const auto part = store_->current()->parts[0];
  EXPECT_EQ(part->info().files.size(), 1u);
  const auto cursor = part->NewCursor(Family::kChunks);
  cursor->Seek("");
  EXPECT_FALSE(cursor->Valid());
  ASSERT_OK(cursor->status());
  EXPECT_EQ(part->Get(Family::kChunks, "key100").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(part->Get(Family::kSeries, "missing").status().code(), StatusCode::kNotFound);
}

TEST_F(StoreTest, AnIngestedPartIsInvisibleUntilItIsCommitted) {
  ASSERT_OK(Open());
  auto info = IngestPart(store_.get(), MakeContents(1), 1);
  ASSERT_TRUE(info.ok());
  EXPECT_TRUE(store_->current()->parts.empty());
  const auto before = store_->current();
  CatalogEdit edit;
  edit.add = {*info};
  ASSERT_OK(store_->Commit(edit));
  EXPECT_TRUE(before->parts.empty());
  EXPECT_EQ(store_->current()->parts.size(), 1u);
  EXPECT_GT(store_->current()->number, before->number);
}

TEST_F(StoreTest, PartsAreOrderedByMaxSequence) {
  ASSERT_OK(Open());
  for (const uint64_t sequence : {30, 10, 20}) {
    ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(sequence), sequence).ok());
  }
  for (int round = 0; round < 2; ++round) {
    std::vector<uint64_t> order;
    for (const auto& part : store_->current()->parts) order.push_back(part->info().max_sequence);
    EXPECT_EQ(order, (std::vector<uint64_t>{10, 20, 30}));
    ASSERT_OK(Open());
  }
}

TEST_F(StoreTest, KeysMustAscend) {
  ASSERT_OK(Open());
  auto writer = store_->NewPart();
  ASSERT_TRUE(writer.ok());
  ASSERT_OK((*writer)->Add(Family::kSeries, "b", "1"));
  ASSERT_OK((*writer)->Add(Family::kPostings, "a", "1"));
  const Status status = (*writer)->Add(Family::kSeries, "a", "2");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("0x61"), std::string::npos) << status.message();
  EXPECT_EQ((*writer)->Add(Family::kSeries, "b", "2").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*writer)->bytes_added(), 4u);
}

TEST_F(StoreTest, ADroppedWriterLeavesNothing) {
  ASSERT_OK(Open());
  {
    auto writer = store_->NewPart();
    ASSERT_TRUE(writer.ok());
    ASSERT_OK((*writer)->Add(Family::kSeries, "b", std::string(100'000, 'x')));
    EXPECT_EQ(FilesEndingIn(".sst").size(), 1u);
  }
  EXPECT_TRUE(FilesEndingIn(".sst").empty());
}

TEST_F(StoreTest, CommitRefusesWhatDoesNotFit) {
  ASSERT_OK(Open());
  auto info = CommitPart(store_.get(), MakeSmallContents(1), 1);
  ASSERT_TRUE(info.ok());
  CatalogEdit again;
  again.add = {*info};
  EXPECT_EQ(store_->Commit(again).code(), StatusCode::kInvalidArgument);
  CatalogEdit unknown;
  unknown.add = {*info};
  unknown.add[0].part_id = 77;
  unknown.put_state = {{"k", "v"}};
  EXPECT_EQ(store_->Commit(unknown).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(RemovePart(store_.get(), 77).code(), StatusCode::kNotFound);
  auto state = store_->GetState("k");
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->has_value());
  ASSERT_OK(RemovePart(store_.get(), info->part_id));
  EXPECT_EQ(RemovePart(store_.get(), info->part_id).code(), StatusCode::kNotFound);
}

TEST_F(StoreTest, OneCommitReplacesPartsAndState) {
  ASSERT_OK(Open());
  auto first = CommitPart(store_.get(), MakeSmallContents(1), 1);
  auto second = CommitPart(store_.get(), MakeSmallContents(2), 2);
  auto merged = IngestPart(store_.get(), MakeSmallContents(3), 2);
  ASSERT_TRUE(first.ok() && second.ok() && merged.ok());
  CatalogEdit edit;
  edit.add = {*merged};
  edit.remove = {first->part_id, second->part_id};
  edit.put_state = {{"recover from", std::string("a\0b", 3)}};
  ASSERT_OK(store_->Commit(edit));
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(store_->current()->parts.size(), 1u);
    ExpectPart(*store_->current()->parts[0], MakeSmallContents(3));
    auto state = store_->GetState("recover from");
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->value(), std::string("a\0b", 3));
    ASSERT_OK(Open());
  }
}

TEST_F(StoreTest, PartIdsAreNeverReused) {
  std::set<uint64_t> ids;
  for (int round = 0; round < 6; ++round) {
    ASSERT_OK(Open());
    auto orphan = IngestPart(store_.get(), MakeSmallContents(1), 1);
    auto kept = CommitPart(store_.get(), MakeSmallContents(2), 2);
    auto late_orphan = IngestPart(store_.get(), MakeSmallContents(3), 3);
    ASSERT_TRUE(orphan.ok() && kept.ok() && late_orphan.ok());
    ASSERT_OK(RemovePart(store_.get(), kept->part_id));
    for (const auto& info : {*orphan, *kept, *late_orphan}) {
      EXPECT_TRUE(ids.insert(info.part_id).second) << info.part_id;
    }
    if (round % 2 == 0) ASSERT_OK(Open());  // removes the orphans: their ids must stay taken
  }
}

TEST_F(StoreTest, MetadataRoundTrips) {
  ASSERT_OK(Open());
  const std::vector<std::pair<std::string, std::string>> entries = {{"up", "gauge"},
                                                                    {"http_requests", "counter"}};
  ASSERT_OK(store_->PutMetadata(entries));
  const std::vector<std::pair<std::string, std::string>> update = {{"up", "info"}};
  ASSERT_OK(store_->PutMetadata(update));
  for (int round = 0; round < 2; ++round) {
    auto all = store_->AllMetadata();
    ASSERT_TRUE(all.ok());
    EXPECT_EQ(*all, (std::vector<std::pair<std::string, std::string>>{{"http_requests", "counter"},
                                                                      {"up", "info"}}));
    ASSERT_OK(Open());
  }
}

TEST_F(StoreTest, ManyOpensDoNotPileUpFiles) {
  for (int round = 0; round < 12; ++round) {
    ASSERT_OK(Open());
    CatalogEdit edit;
    edit.put_state = {{"round", std::to_string(round)}};
    ASSERT_OK(store_->Commit(edit));
  }
  // A thread of RocksDB's removes them, and on a busy machine an open may end before its turn.
  const auto is_tidy = [this] {
    return FilesEndingIn(".log").size() <= 6 && FilesEndingIn(".sst").size() <= 12;
  };
  ASSERT_OK(Open());
  for (int round = 0; round < 200 && !is_tidy(); ++round) ASSERT_OK(Open());
  EXPECT_EQ(store_->GetState("round").value(), "11");
  EXPECT_LE(FilesEndingIn(".log").size(), 6u);
  EXPECT_LE(FilesEndingIn(".sst").size(), 12u);
}

}  // namespace
}  // namespace varve::kv
