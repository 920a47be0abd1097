#include "tests/fault/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "base/status_macros.h"

namespace varve::fault {
namespace {

constexpr std::string_view kOperationNames[kOperationCount] = {
    "open for writing", "append", "sync",   "create directory",
    "sync directory",   "remove", "rename", "link",
    "truncate",         "open",   "read"};

bool Changes(Operation operation) {
  return operation != Operation::kOpenRead && operation != Operation::kRead;
}

// RocksDB writes "a//b" and "a/".
std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace

class FaultWritableFile final : public WritableFile {
 public:
  FaultWritableFile(FaultFileSystem* owner, std::string path, FaultFileSystem::NodePtr node,
                    std::unique_ptr<WritableFile> file, uint64_t generation)
      : owner_(owner),
        path_(std::move(path)),
        node_(std::move(node)),
        file_(std::move(file)),
        generation_(generation) {}
  Status Append(std::string_view bytes) override {
    return owner_->AppendTo(node_.get(), file_.get(), bytes, generation_);
  }
  Status Sync() override { return owner_->SyncNode(node_, path_, generation_); }
  void Preallocate(uint64_t) override {}  // room is no part of the model
  Status Close() override { return file_->Close(); }
  uint64_t size() const override { return file_->size(); }

 private:
  FaultFileSystem* const owner_;
  const std::string path_;
  const FaultFileSystem::NodePtr node_;
  const std::unique_ptr<WritableFile> file_;
  const uint64_t generation_;
};

class FaultRandomAccessFile final : public RandomAccessFile {
 public:
  FaultRandomAccessFile(FaultFileSystem* owner, std::string path,
                        std::unique_ptr<RandomAccessFile> file)
      : owner_(owner), path_(std::move(path)), file_(std::move(file)) {}
  Result<std::string_view> Read(uint64_t offset, size_t size, char* scratch) const override {
    RETURN_IF_ERROR(owner_->GateRead(path_));
    return file_->Read(offset, size, scratch);
  }
  uint64_t size() const override { return file_->size(); }

 private:
  FaultFileSystem* const owner_;
  const std::string path_;
  const std::unique_ptr<RandomAccessFile> file_;
};

FaultFileSystem::Node::~Node() {
  // A leftover in the keep directory is the test's to remove with it.
  static_cast<void>(base->Remove(keeper));
}

FaultFileSystem::FaultFileSystem(FileSystem* base, std::string keep_directory)
    : base_(base), keep_directory_(Normal(keep_directory)) {}
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::FailNth(Operation operation, uint64_t nth, Persistence persistence) {
  MutexLock lock(&mutex_);
  faults_.push_back({operation, nth, persistence});
}

void FaultFileSystem::SetSpaceLeft(std::optional<uint64_t> bytes) {
  MutexLock lock(&mutex_);
  space_left_ = bytes;
}

void FaultFileSystem::SetFreeBytes(std::optional<uint64_t> bytes) {
  MutexLock lock(&mutex_);
  free_bytes_ = bytes;
}

void FaultFileSystem::ClearFaults() {
  MutexLock lock(&mutex_);
  faults_.clear();
  space_left_.reset();
  free_bytes_.reset();
}

void FaultFileSystem::CutPower() {
  MutexLock lock(&mutex_);
  power_off_ = true;
}

void FaultFileSystem::CutPowerAtNth(uint64_t nth) {
  MutexLock lock(&mutex_);
  power_cut_at_ = changing_count_ + nth;
}

bool FaultFileSystem::power_is_off() const {
  MutexLock lock(&mutex_);
  return power_off_;
}

uint64_t FaultFileSystem::count(Operation operation) const {
  MutexLock lock(&mutex_);
  return counts_[static_cast<size_t>(operation)];
}

uint64_t FaultFileSystem::changing_count() const {
  MutexLock lock(&mutex_);
  return changing_count_;
}

Status FaultFileSystem::Gate(Operation operation, std::string_view path) {
  const auto index = static_cast<size_t>(operation);
  ++counts_[index];
  const std::string what = std::string(kOperationNames[index]) + " " + std::string(path);
  if (Changes(operation)) {
    ++changing_count_;
    if (power_cut_at_ && changing_count_ >= *power_cut_at_) power_off_ = true;
    if (power_off_) return IoError(what + ": the power is off");
  }
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->operation != operation) continue;
    if (fault->remaining > 1) {
      --fault->remaining;
      continue;
    }
    if (fault->persistence == Persistence::kOnce) faults_.erase(fault);
    return IoError(what + ": injected failure");
  }
  return OkStatus();
}

Status FaultFileSystem::GateRead(const std::string& path) {
  MutexLock lock(&mutex_);
  return Gate(Operation::kRead, path);
}

Result<FaultFileSystem::NodePtr> FaultFileSystem::NewNode(const std::string& path) {
  auto node = std::make_shared<Node>(base_, keep_directory_ + "/" + std::to_string(next_keeper_++));
  RETURN_IF_ERROR(base_->Link(path, node->keeper));
  return node;
}

Result<FaultFileSystem::NodePtr> FaultFileSystem::Adopt(const std::string& path) {
  if (const auto known = current_.find(path); known != current_.end()) return known->second;
  ASSIGN_OR_RETURN(const uint64_t size, base_->FileSize(path));
  NodePtr node;
  if (!std::filesystem::is_directory(path)) {
    ASSIGN_OR_RETURN(node, NewNode(path));
    node->size = node->synced = size;
  }
  current_[path] = durable_[path] = node;
  return node;
}

Result<std::unique_ptr<WritableFile>> FaultFileSystem::OpenWritable(const std::string& path,
                                                                    OpenMode mode) {
  const std::string name = Normal(path);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kOpenWritable, name));
  ASSIGN_OR_RETURN(const bool exists, base_->Exists(name));
  NodePtr before;
  if (exists) {
    ASSIGN_OR_RETURN(before, Adopt(name));
    // Emptying gets a new inode underneath, so that the old bytes stay for the rewind.
    if (mode == OpenMode::kTruncate) RETURN_IF_ERROR(base_->Remove(name));
  }
  ASSIGN_OR_RETURN(auto file, base_->OpenWritable(name, mode));
  NodePtr node = before;
  if (!exists || mode == OpenMode::kTruncate) {
    ASSIGN_OR_RETURN(node, NewNode(name));
    // Emptied twice before a sync: what is durable is still the first one.
    node->emptied = before != nullptr && before->emptied != nullptr ? before->emptied : before;
    current_[name] = node;
  }
  return std::unique_ptr<WritableFile>(
      new FaultWritableFile(this, name, std::move(node), std::move(file), generation_));
}

Status FaultFileSystem::AppendTo(Node* node, WritableFile* file, std::string_view bytes,
                                 uint64_t generation) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kAppend, node->keeper));
  if (generation != generation_) return IoError("append: the file was open when the power failed");
  std::string_view fitting = bytes;
  if (space_left_) {
    fitting = bytes.substr(0, std::min<uint64_t>(bytes.size(), *space_left_));
    *space_left_ -= fitting.size();
  }
  RETURN_IF_ERROR(file->Append(fitting));
  node->size += fitting.size();
  if (fitting.size() < bytes.size()) return ResourceExhaustedError("append: no space left");
  return OkStatus();
}

Status FaultFileSystem::SyncNode(const NodePtr& node, const std::string& path,
                                 uint64_t generation) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kSync, path));
  if (generation != generation_) return IoError("sync: the file was open when the power failed");
  node->synced = node->size;
  if (node->emptied != nullptr) {
    // The inode is the old one, so its durable names now lead to the new bytes.
    for (auto& [name, target] : durable_) {
      if (target == node->emptied) target = node;
    }
    node->emptied.reset();
  }
  return OkStatus();
}

Result<std::unique_ptr<RandomAccessFile>> FaultFileSystem::OpenRandomAccess(
    const std::string& path) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kOpenRead, path));
  ASSIGN_OR_RETURN(auto file, base_->OpenRandomAccess(path));
  return std::unique_ptr<RandomAccessFile>(new FaultRandomAccessFile(this, path, std::move(file)));
}

Result<std::unique_ptr<RandomAccessFile>> FaultFileSystem::OpenMapped(const std::string& path) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kOpenRead, path));
  return base_->OpenMapped(path);
}

Result<std::string> FaultFileSystem::ReadFile(const std::string& path) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kOpenRead, path));
  return base_->ReadFile(path);
}

Status FaultFileSystem::CreateDirectory(const std::string& path) {
  const std::string name = Normal(path);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kCreateDirectory, name));
  for (size_t slash = name.find('/', 1);; slash = name.find('/', slash + 1)) {
    const std::string prefix = name.substr(0, slash);
    ASSIGN_OR_RETURN(const bool exists, base_->Exists(prefix));
    RETURN_IF_ERROR(base_->CreateDirectory(prefix));
    if (!exists) current_[prefix] = nullptr;
    if (slash == std::string::npos) return OkStatus();
  }
}

void FaultFileSystem::CommitNames(const std::string& directory) {
  const auto is_child = [&](const std::string& path) {
    return path.starts_with(directory) && path.find_last_of('/') == directory.size();
  };
  for (auto name = durable_.begin(); name != durable_.end();) {
    const bool gone = is_child(name->first) && !current_.contains(name->first);
    name = gone ? durable_.erase(name) : std::next(name);
  }
  for (const auto& [path, node] : current_) {
    if (is_child(path)) durable_[path] = node;
  }
}

Status FaultFileSystem::SyncDirectory(const std::string& path) {
  const std::string name = Normal(path);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kSyncDirectory, name));
  if (!std::filesystem::is_directory(name)) return NotFoundError("sync directory " + name);
  CommitNames(name);
  return OkStatus();
}

Status FaultFileSystem::Remove(const std::string& path) {
  const std::string name = Normal(path);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kRemove, name));
  ASSIGN_OR_RETURN(const NodePtr node, Adopt(name));
  RETURN_IF_ERROR(base_->Remove(name));
  current_.erase(name);
  return OkStatus();
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::string from_name = Normal(from);
  const std::string to_name = Normal(to);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kRename, from_name + " to " + to_name));
  ASSIGN_OR_RETURN(const NodePtr node, Adopt(from_name));
  if (node == nullptr) return UnimplementedError("rename " + from_name + ": it is a directory");
  ASSIGN_OR_RETURN(const bool replaces, base_->Exists(to_name));
  if (replaces) {
    ASSIGN_OR_RETURN(const NodePtr kept, Adopt(to_name));
    if (kept == node)
      return base_->Rename(from_name, to_name);  // two names of one file: POSIX does nothing
  }
  RETURN_IF_ERROR(base_->Rename(from_name, to_name));
  current_.erase(from_name);
  current_[to_name] = node;
  return OkStatus();
}

Status FaultFileSystem::Link(const std::string& from, const std::string& to) {
  const std::string from_name = Normal(from);
  const std::string to_name = Normal(to);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kLink, from_name + " to " + to_name));
  ASSIGN_OR_RETURN(const NodePtr node, Adopt(from_name));
  RETURN_IF_ERROR(base_->Link(from_name, to_name));
  current_[to_name] = node;
  return OkStatus();
}

Status FaultFileSystem::Truncate(const std::string& path, uint64_t size) {
  const std::string name = Normal(path);
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Gate(Operation::kTruncate, name));
  ASSIGN_OR_RETURN(const NodePtr node, Adopt(name));
  RETURN_IF_ERROR(base_->Truncate(name, size));
  node->size = size;
  node->synced = std::min(node->synced, size);
  return OkStatus();
}

Result<uint64_t> FaultFileSystem::FreeBytes(const std::string& path) {
  MutexLock lock(&mutex_);
  if (free_bytes_) return *free_bytes_;
  if (space_left_) return *space_left_;
  return base_->FreeBytes(path);
}

Result<std::vector<std::string>> FaultFileSystem::List(const std::string& path) {
  return base_->List(path);
}
Result<bool> FaultFileSystem::Exists(const std::string& path) { return base_->Exists(path); }
Result<uint64_t> FaultFileSystem::FileSize(const std::string& path) {
  return base_->FileSize(path);
}
Result<std::unique_ptr<FileLock>> FaultFileSystem::Lock(const std::string& path) {
  return base_->Lock(path);
}

}  // namespace varve::fault
