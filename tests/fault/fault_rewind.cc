// Power loss: from the files as they are to the files as a disk would show them after it.
#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "tests/fault/fault_file_system.h"

namespace varve::fault {

Status FaultFileSystem::DropUnsynced(Unsynced unsynced, uint64_t seed) {
  MutexLock lock(&mutex_);
  std::mt19937_64 random(seed);
  if (unsynced == Unsynced::kKeepRandomPart) CommitRandomDirectories(&random);
  RewindDirectories();
  RETURN_IF_ERROR(RewindBytes(unsynced, &random));
  RETURN_IF_ERROR(RewindNames());
  ++generation_;
  faults_.clear();
  space_left_.reset();
  free_bytes_.reset();
  power_cut_at_.reset();
  power_off_ = false;
  return OkStatus();
}

// A directory's changes reach the disk in order, so all of them or none is a state that can be
// found.
void FaultFileSystem::CommitRandomDirectories(std::mt19937_64* random) {
  std::set<std::string> directories;
  for (const Names* names : {&current_, &durable_}) {
    for (const auto& [path, node] : *names) {
      directories.insert(std::filesystem::path(path).parent_path());
    }
  }
  for (const std::string& directory : directories) {
    if ((*random)() % 2 == 0) CommitNames(directory);
  }
}

// Directories whose creation is not durable take along whatever is in them; removed ones come back,
// empty.
void FaultFileSystem::RewindDirectories() {
  std::vector<std::string> lost;
  for (const auto& [path, node] : current_) {
    if (node == nullptr && !durable_.contains(path)) lost.push_back(path);
  }
  for (const std::string& directory : lost) {
    const std::string prefix = directory + "/";
    const auto beneath = [&](const auto& entry) {
      return entry.first == directory || entry.first.starts_with(prefix);
    };
    std::filesystem::remove_all(directory);
    std::erase_if(current_, beneath);
    std::erase_if(durable_, beneath);
  }
  for (const auto& [path, node] : durable_) {
    if (node == nullptr) std::filesystem::create_directories(path);
  }
}

Status FaultFileSystem::RewindBytes(Unsynced unsynced, std::mt19937_64* random) {
  std::set<Node*> rewound;
  for (const auto& [path, node] : durable_) {
    if (node == nullptr || !rewound.insert(node.get()).second) continue;
    uint64_t kept = node->synced;
    uint64_t zeros = 0;
    if (unsynced == Unsynced::kKeepRandomPart && node->size > node->synced) {
      kept += (*random)() % (node->size - node->synced + 1);
      // The size may reach the disk before the bytes.
      if ((*random)() % 3 == 0) zeros = (*random)() % (kept - node->synced + 1);
    }
    RETURN_IF_ERROR(base_->Truncate(node->keeper, kept - zeros));
    RETURN_IF_ERROR(base_->Truncate(node->keeper, kept));  // grows by zeros
    node->size = node->synced = kept;
    node->emptied.reset();
  }
  return OkStatus();
}

Status FaultFileSystem::RewindNames() {
  for (const auto& [path, node] : current_) {
    if (node == nullptr) continue;
    const auto kept = durable_.find(path);
    if (kept == durable_.end() || kept->second != node) RETURN_IF_ERROR(base_->Remove(path));
  }
  for (const auto& [path, node] : durable_) {
    if (node == nullptr) continue;
    const auto now = current_.find(path);
    if (now == current_.end() || now->second != node) {
      RETURN_IF_ERROR(base_->Link(node->keeper, path));
    }
  }
  current_ = durable_;
  return OkStatus();
}

}  // namespace varve::fault
