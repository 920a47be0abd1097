// A part over a std::map, whose bytes a test may change.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "storage/kv/store.h"

namespace varve::index {

using FakeBytes = std::map<std::pair<kv::Family, std::string>, std::string>;

class FakePartWriter final : public kv::PartWriter {
 public:
  uint64_t part_id() const override { return 7; }
  Status Add(kv::Family family, std::string_view key, std::string_view value) override {
    std::string& last = last_keys_[family];
    if (!last.empty() && key <= last) return InvalidArgumentError("key order");
    last = key;
    bytes_added_ += key.size() + value.size();
    bytes[{family, std::string(key)}] = value;
    return OkStatus();
  }
  uint64_t bytes_added() const override { return bytes_added_; }

  FakeBytes bytes;

 private:
  std::map<kv::Family, std::string> last_keys_;
  uint64_t bytes_added_ = 0;
};

class FakeCursor final : public kv::PartCursor {
 public:
  FakeCursor(const FakeBytes* bytes, kv::Family family)
      : bytes_(*bytes), family_(family), at_(bytes_.end()) {}
  void Seek(std::string_view key) override {
    at_ = bytes_.lower_bound({family_, std::string(key)});
  }
  void Next() override { ++at_; }
  bool Valid() const override { return at_ != bytes_.end() && at_->first.first == family_; }
  std::string_view key() const override { return at_->first.second; }
  std::string_view value() const override { return at_->second; }
  Status status() const override { return OkStatus(); }

 private:
  const FakeBytes& bytes_;
  const kv::Family family_;
  FakeBytes::const_iterator at_;
};

class FakePart final : public kv::Part {
 public:
  explicit FakePart(FakeBytes bytes) : bytes_(std::move(bytes)) { info_.part_id = 7; }
  const format::PartInfo& info() const override { return info_; }
  Result<kv::PinnedBytes> Get(kv::Family family, std::string_view key) const override {
    const auto it = bytes_.find({family, std::string(key)});
    if (it == bytes_.end()) return NotFoundError("no such key");
    return kv::PinnedBytes::Own(it->second);
  }
  std::unique_ptr<kv::PartCursor> NewCursor(kv::Family family) const override {
    return std::make_unique<FakeCursor>(&bytes_, family);
  }

 private:
  FakeBytes bytes_;
  format::PartInfo info_;
};

}  // namespace varve::index
