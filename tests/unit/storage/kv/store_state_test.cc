#include "storage/kv/store_state.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "tests/unit/storage/kv/store_test_fixture.h"

namespace varve::kv {
namespace {

std::string RawFormat(uint8_t version, uint64_t features, const std::string& more = {}) {
  std::string bytes;
  AppendFixed(&bytes, version);
  AppendFixed(&bytes, features);
  AppendFixed(&bytes, uint64_t{42});
  bytes += more;
  AppendFixed(&bytes, Hash64(bytes));
  return bytes;
}

TEST(StoreState, FormatRoundTrips) {
  StoreFormat format;
  format.database_id = 0x0123456789abcdef;
  auto decoded = DecodeStoreFormat(EncodeStoreFormat(format));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->database_id, format.database_id);
  EXPECT_EQ(decoded->features, kKnownFeatures);
}

TEST(StoreState, TheWorkedExampleOfTheSpecHolds) {
  StoreFormat format;
  format.features = kFeatureMetricParts;
  format.database_id = 42;
  const std::string bytes(
      "\x01\x01\0\0\0\0\0\0\0\x2a\0\0\0\0\0\0\0\xbb\x7c\x58\x4e\x40\x19\xf1\x5a", 25);
  EXPECT_EQ(EncodeStoreFormat(format), bytes);
  EXPECT_EQ(FormatKey(), std::string("\0format", 7));
}

TEST(StoreState, NewerFormatsAreRefusedByName) {
  auto newer = DecodeStoreFormat(RawFormat(2, 0, "what version 2 adds"));
  EXPECT_EQ(newer.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(newer.status().message().find("version 2"), std::string::npos);
  auto feature = DecodeStoreFormat(RawFormat(1, kKnownFeatures | uint64_t{1} << 9));
  EXPECT_EQ(feature.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(feature.status().message().find("bit 9"), std::string::npos);
}

TEST(StoreState, DamageIsDataLoss) {
  const std::string format = RawFormat(1, kKnownFeatures);
  ASSERT_TRUE(DecodeStoreFormat(format).ok());
  const std::string next = EncodeNextPartId(300);
  EXPECT_EQ(DecodeNextPartId(next).value(), 300u);
  for (size_t length = 0; length < format.size(); ++length) {
    EXPECT_EQ(DecodeStoreFormat(format.substr(0, length)).status().code(), StatusCode::kDataLoss);
  }
  for (size_t length = 0; length < next.size(); ++length) {
    EXPECT_EQ(DecodeNextPartId(next.substr(0, length)).status().code(), StatusCode::kDataLoss);
  }
  for (size_t bit = 0; bit < format.size() * 8; ++bit) {
    std::string damaged = format;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeStoreFormat(damaged).status().code(), StatusCode::kDataLoss) << bit;
  }
  EXPECT_EQ(DecodeStoreFormat(RawFormat(0, 0)).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(DecodeStoreFormat(RawFormat(1, 0, "x")).status().code(), StatusCode::kDataLoss);
}

// Edits the store's own records with RocksDB alone.
class StoreFormatTest : public StoreTest {
 protected:
  void WithRocksDb(void (*edit)(rocksdb::DB*, rocksdb::ColumnFamilyHandle*, const std::string&),
                   const std::string& family, const std::string& argument) {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, directory_, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) descriptors.emplace_back(name, rocksdb::Options());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, directory_, descriptors, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == family) edit(raw, handles[i], argument);
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
  }
};

void PutFormat(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, const std::string& value) {
  ASSERT_TRUE(db->Put({}, family, FormatKey(), value).ok());
}
void PutFirstEntry(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, const std::string& value) {
  std::string key;
  AppendBigEndian64(&key, 1);
  ASSERT_TRUE(db->Put({}, family, key, value).ok());
}
void AddFamily(rocksdb::DB* db, rocksdb::ColumnFamilyHandle*, const std::string& name) {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  ASSERT_TRUE(db->CreateColumnFamily({}, name, &handle).ok());
  ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
}

TEST_F(StoreFormatTest, AStoreOfANewerVersionIsRefused) {
  ASSERT_OK(Open());
  store_.reset();
  WithRocksDb(PutFormat, "state", RawFormat(1, kKnownFeatures | uint64_t{1} << 40));
  const Status status = Open();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
  EXPECT_NE(status.message().find("bit 40"), std::string::npos) << status.ToString();
  WithRocksDb(PutFormat, "state", RawFormat(1, kKnownFeatures));
  ASSERT_OK(Open());
  EXPECT_EQ(store_->database_id(), 42u);
}

TEST_F(StoreFormatTest, AnOlderStoreGetsThisVersionsFeatures) {
  ASSERT_OK(Open());
  store_.reset();
  WithRocksDb(PutFormat, "state", RawFormat(1, kFeatureMetricParts));
  ASSERT_OK(Open());
  store_.reset();
  WithRocksDb(
      [](rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, const std::string& expected) {
        std::string value;
        ASSERT_TRUE(db->Get({}, family, FormatKey(), &value).ok());
        EXPECT_EQ(value, expected);
      },
      "state", RawFormat(1, kKnownFeatures));
}

TEST_F(StoreFormatTest, AnUnknownFamilyIsRefused) {
  ASSERT_OK(Open());
  store_.reset();
  WithRocksDb(AddFamily, "default", "log_blocks");
  const Status status = Open();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
  EXPECT_NE(status.message().find("log_blocks"), std::string::npos) << status.ToString();
}

TEST_F(StoreFormatTest, ADamagedCatalogEntryIsNamed) {
  ASSERT_OK(Open());
  ASSERT_TRUE(CommitPart(store_.get(), MakeSmallContents(1), 1).ok());
  store_.reset();
  WithRocksDb(PutFirstEntry, "catalog", "no part info");
  const Status status = Open();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("catalog entry 0x0000000000000001"), std::string::npos)
      << status.ToString();
}

}  // namespace
}  // namespace varve::kv
