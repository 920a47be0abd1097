#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "index/part_index.h"
#include "index/part_index_keys.h"
#include "index/part_series.h"
#include "index/postings_codec.h"
#include "index/postings_source.h"
#include "storage/format/label_bytes.h"

namespace varve::index {
namespace {

std::string PostingsName(std::string_view name, std::string_view value) {
  return "postings of " + std::string(name) + "=\"" + std::string(value) + "\"";
}

}  // namespace

class PartIndexReader::Impl final : public PostingsSource {
 public:
  Impl(std::shared_ptr<const kv::Part> part, std::unique_ptr<PartSeries> series)
      : part_(std::move(part)), series_(std::move(series)) {}

  const PartSeries& series() const { return *series_; }

  Result<IdSet> All() const override { return IdSet::FromRange(0, series_->series_count()); }

  Result<IdSet> WithValues(std::string_view name,
                           std::span<const std::string> values) const override {
    IdUnion found;
    for (const std::string& value : values) {
      if (value.empty()) continue;
      const auto bytes = part_->Get(kv::Family::kPostings, PostingsKey(name, value));
      if (bytes.status().code() == StatusCode::kNotFound) continue;
      if (!bytes.ok()) return InPart(*part_, PostingsName(name, value), bytes.status());
      RETURN_IF_ERROR(Decode(name, value, bytes->view(), &found));
    }
    return found.Finish();
  }

  Result<std::optional<IdSet>> ScanValues(std::string_view name, std::string_view prefix,
                                          uint64_t values_max,
                                          const ValueCondition& accepts) const override {
    if (values_max != UINT64_MAX) {
      // Counting the keys is cheap beside decoding what they hold.
      ASSIGN_OR_RETURN(const uint64_t value_count, CountValues(name, prefix, values_max));
      if (value_count > values_max) return std::optional<IdSet>();
    }
    IdUnion found;
    RETURN_IF_ERROR(
        ForEachValue(name, prefix, [&](const std::string& value, std::string_view bytes) -> Status {
          return accepts(value) ? Decode(name, value, bytes, &found) : OkStatus();
        }));
    return std::optional<IdSet>(found.Finish());
  }

  Status Filter(std::span<const LabelMatcher* const> matchers,
                std::vector<uint32_t>* ids) const override {
    size_t kept = 0;
    const std::vector<uint32_t> candidates = *ids;
    RETURN_IF_ERROR(series_->VisitLabels(candidates, [&](size_t i, std::string_view labels) {
      for (const LabelMatcher* matcher : matchers) {
        if (!matcher->Matches(format::FindLabel(labels, matcher->name()))) return;
      }
      (*ids)[kept++] = candidates[i];
    }));
    ids->resize(kept);
    return OkStatus();
  }

  Result<std::vector<std::string>> LabelNames() const {
    std::vector<std::string> names;
    const std::unique_ptr<kv::PartCursor> cursor = part_->NewCursor(kv::Family::kPostings);
    for (cursor->Seek({}); cursor->Valid(); cursor->Seek(PostingsKeyAfterName(names.back()))) {
      ASSIGN_OR_RETURN(PostingsKeyParts parts, ParseKey(cursor->key()));
      names.push_back(std::move(parts.name));
    }
    if (!cursor->status().ok()) return InPart(*part_, "postings", cursor->status());
    return names;
  }

  Result<std::vector<std::string>> LabelValues(std::string_view name) const {
    std::vector<std::string> values;
    RETURN_IF_ERROR(ForEachValue(name, {}, [&](std::string& value, std::string_view) {
      values.push_back(std::move(value));
      return OkStatus();
    }));
    return values;
  }

 private:
  // Stops counting at `enough` + 1.
  Result<uint64_t> CountValues(std::string_view name, std::string_view value_prefix,
                               uint64_t enough) const {
    const std::string key_prefix = PostingsKeyPrefix(name, value_prefix);
    const std::unique_ptr<kv::PartCursor> cursor = part_->NewCursor(kv::Family::kPostings);
    uint64_t count = 0;
    for (cursor->Seek(key_prefix); cursor->Valid() && cursor->key().starts_with(key_prefix);
         cursor->Next()) {
      if (++count > enough) break;
    }
    if (!cursor->status().ok()) return InPart(*part_, "postings", cursor->status());
    return count;
  }

  // Calls visit(value, postings bytes) in the order of the values; it may take the value's string.
  template <typename Visit>
  Status ForEachValue(std::string_view name, std::string_view value_prefix,
                      const Visit& visit) const {
    const std::string key_prefix = PostingsKeyPrefix(name, value_prefix);
    const std::unique_ptr<kv::PartCursor> cursor = part_->NewCursor(kv::Family::kPostings);
    for (cursor->Seek(key_prefix); cursor->Valid() && cursor->key().starts_with(key_prefix);
         cursor->Next()) {
      ASSIGN_OR_RETURN(PostingsKeyParts parts, ParseKey(cursor->key()));
      RETURN_IF_ERROR(visit(parts.value, cursor->value()));
    }
    if (!cursor->status().ok()) return InPart(*part_, "postings", cursor->status());
    return OkStatus();
  }

  Result<PostingsKeyParts> ParseKey(std::string_view key) const {
    auto parts = ParsePostingsKey(key);
    if (!parts.ok()) return InPart(*part_, "postings", parts.status());
    return parts;
  }

  Status Decode(std::string_view name, std::string_view value, std::string_view bytes,
                IdUnion* out) const {
    const Status status = DecodePostings(bytes, series_->series_count(), out);
    return status.ok() ? status : InPart(*part_, PostingsName(name, value), status);
  }

  std::shared_ptr<const kv::Part> part_;
  std::unique_ptr<PartSeries> series_;
};

PartIndexReader::PartIndexReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PartIndexReader::~PartIndexReader() = default;

Result<std::unique_ptr<PartIndexReader>> PartIndexReader::Open(
    std::shared_ptr<const kv::Part> part) {
  ASSIGN_OR_RETURN(std::unique_ptr<PartSeries> series, PartSeries::Open(part.get()));
  auto impl = std::make_unique<Impl>(std::move(part), std::move(series));
  return std::unique_ptr<PartIndexReader>(new PartIndexReader(std::move(impl)));
}

Result<std::vector<Ordinal>> PartIndexReader::Match(std::span<const LabelMatcher> matchers) const {
  return EvaluateMatchers(*impl_, matchers);
}

Status PartIndexReader::VisitLabels(
    std::span<const Ordinal> ordinals,
    const std::function<void(size_t, std::string_view)>& visit) const {
  return impl_->series().VisitLabels(ordinals, visit);
}

Result<std::vector<std::string>> PartIndexReader::LabelNames() const { return impl_->LabelNames(); }
Result<std::vector<std::string>> PartIndexReader::LabelValues(std::string_view name) const {
  return impl_->LabelValues(name);
}
uint64_t PartIndexReader::series_count() const { return impl_->series().series_count(); }

}  // namespace varve::index
