#include "storage/kv/stored_part.h"

#include <rocksdb/iterator.h>

#include <utility>

#include "base/check.h"
#include "storage/kv/part_keys.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {

// Members are released in reverse order: the pinned block before the part that it belongs to.
class PinnedBytes::Rep {
 public:
  explicit Rep(std::shared_ptr<const Part> part) : part_(std::move(part)) {}
  rocksdb::PinnableSlice* slice() { return &slice_; }

 private:
  const std::shared_ptr<const Part> part_;
  rocksdb::PinnableSlice slice_;
};

PinnedBytes::PinnedBytes() = default;
PinnedBytes::PinnedBytes(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
PinnedBytes::~PinnedBytes() = default;
PinnedBytes::PinnedBytes(PinnedBytes&&) noexcept = default;
PinnedBytes& PinnedBytes::operator=(PinnedBytes&&) noexcept = default;

PinnedBytes PinnedBytes::Own(std::string bytes) {
  auto rep = std::make_unique<Rep>(nullptr);
  rep->slice()->PinSelf(bytes);
  return PinnedBytes(std::move(rep));
}

std::string_view PinnedBytes::view() const {
  if (rep_ == nullptr) return {};
  return {rep_->slice()->data(), rep_->slice()->size()};
}

namespace {

// Of a family that the part has no file in.
class EmptyCursor final : public PartCursor {
 public:
  void Seek(std::string_view) override {}
  void Next() override { VARVE_CHECK(!"Valid()"); }
  bool Valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  Status status() const override { return OkStatus(); }
};

class StoredPartCursor final : public PartCursor {
 public:
  StoredPartCursor(const RocksDbHandle& handle, std::shared_ptr<const StoredPart> part,
                   Family family)
      : part_(std::move(part)),
        family_(family),
        largest_(*part_->largest_key(family)),
        end_(largest_ + '\0'),
        end_slice_(end_),
        target_(PartPrefix(part_->info().part_id)) {
    rocksdb::ReadOptions read = PartReadOptions();
    read.iterate_upper_bound = &end_slice_;
    // Whoever walks chunk groups reads a whole part once: that must not push out what queries use.
    read.fill_cache = family != Family::kChunks;
    iterator_.reset(handle.db()->NewIterator(read, handle.family(IndexOf(family))));
  }

  void Seek(std::string_view key) override {
    target_.resize(kPartIdBytes);
    target_.append(key);
    past_end_ = target_ > largest_;
    if (!past_end_) iterator_->Seek(target_);
  }
  void Next() override {
    VARVE_CHECK(Valid());
    iterator_->Next();
  }
  bool Valid() const override { return !past_end_ && iterator_->Valid(); }
  std::string_view key() const override {
    VARVE_DCHECK(Valid());
    return iterator_->key().ToStringView().substr(kPartIdBytes);
  }
  std::string_view value() const override {
    VARVE_DCHECK(Valid());
    return iterator_->value().ToStringView();
  }
  Status status() const override {
    return FromRocks(iterator_->status(), part_->Describe(family_));
  }

 private:
  const std::shared_ptr<const StoredPart> part_;  // outlives the iterator
  const Family family_;
  const std::string largest_;
  const std::string end_;  // the key after largest_
  const rocksdb::Slice end_slice_;
  std::string target_;  // the part's prefix, then the key sought
  bool past_end_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

StoredPart::StoredPart(const RocksDbHandle* handle, PartReclaimer* reclaimer, format::PartInfo info,
                       LargestKeys largest_keys)
    : handle_(handle),
      reclaimer_(reclaimer),
      info_(std::move(info)),
      prefix_(PartPrefix(info_.part_id)),
      largest_keys_(std::move(largest_keys)) {}

StoredPart::~StoredPart() {
  if (retired_.load(std::memory_order_relaxed)) reclaimer_->Reclaim(info_.part_id);
}

const std::string* StoredPart::largest_key(Family family) const {
  const auto found = largest_keys_.find(family);
  return found == largest_keys_.end() ? nullptr : &found->second;
}

std::string StoredPart::Describe(Family family) const {
  return "part " + std::to_string(info_.part_id) + ", family " + FamilyName(family);
}

Result<PinnedBytes> StoredPart::Get(Family family, std::string_view key) const {
  // RocksDB finds the one file whose range holds the key, so no other part's is touched.
  std::string full_key;
  full_key.reserve(kPartIdBytes + key.size());
  full_key.append(prefix_).append(key);
  auto rep = std::make_unique<PinnedBytes::Rep>(shared_from_this());
  const rocksdb::Status status = handle_->db()->Get(
      PartReadOptions(), handle_->family(IndexOf(family)), full_key, rep->slice());
  if (!status.ok()) return FromRocks(status, Describe(family));
  return PinnedBytes(std::move(rep));
}

std::unique_ptr<PartCursor> StoredPart::NewCursor(Family family) const {
  if (largest_key(family) == nullptr) return std::make_unique<EmptyCursor>();
  return std::make_unique<StoredPartCursor>(*handle_, shared_from_this(), family);
}

}  // namespace varve::kv
