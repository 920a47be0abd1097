// TestDirectory: an empty directory that goes away with its test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

namespace varve::model {

class TestDirectory {
 public:
  TestDirectory() {
    static std::atomic<int> number{0};
    path_ = testing::TempDir() + "varve-" + std::to_string(::getpid()) + "-" +
            std::to_string(number.fetch_add(1));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestDirectory() {
    std::error_code ignored;  // a leftover in the temporary directory fails nothing
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace varve::model
