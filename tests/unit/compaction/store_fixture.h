// A real store in a directory of its own, removed afterwards.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "compaction/metrics_part.h"
#include "storage/file_system.h"
#include "storage/kv/store.h"

namespace varve::compaction {

class StoreFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "varve_compaction_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr) << pattern;
    directory_ = pattern;
    auto store = kv::Store::Open(FileSystem::Posix(), directory_ + "/store", {});
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = std::move(*store);
  }

  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // The committed part.
  std::shared_ptr<const kv::Part> Commit(const format::PartInfo& info) {
    kv::CatalogEdit edit;
    edit.add.push_back(info);
    const Status status = store_->Commit(edit);
    EXPECT_TRUE(status.ok()) << status.ToString();
    for (const auto& part : store_->current()->parts) {
      if (part->info().part_id == info.part_id) return part;
    }
    ADD_FAILURE() << "part " << info.part_id << " is not in the catalog";
    return nullptr;
  }

  std::string directory_;
  std::unique_ptr<kv::Store> store_;
};

}  // namespace varve::compaction
