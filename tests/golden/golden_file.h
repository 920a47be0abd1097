// The golden files' directory.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "storage/file_system.h"

namespace varve {

// The file's bytes. With VARVE_GOLDEN_WRITE set, a missing one is written from `encoded` first, and
// the test fails to say so.
inline std::string Golden(const std::string& name, const std::string& encoded) {
  const std::string path = std::string(VARVE_GOLDEN_DIRECTORY) + "/" + name;
  if (!std::filesystem::exists(path) && std::getenv("VARVE_GOLDEN_WRITE") != nullptr) {
    std::ofstream(path, std::ios::binary) << encoded;
    ADD_FAILURE() << "wrote " << path;
  }
  const auto bytes = FileSystem::Posix()->ReadFile(path);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  return bytes.ok() ? *bytes : std::string();
}

}  // namespace varve
