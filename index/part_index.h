// The index inside a metrics part: its series in label order (the `series` family) and their
// postings (the `postings` family). A series is an ordinal, dense from 0, in label order. Layout:
// docs/FORMATS.md, "Series table", "Postings".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/matcher.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::index {

using Ordinal = uint32_t;

// Builds both families of one part. Thread safety: none.
class PartIndexWriter {
 public:
  // `writer` is borrowed and must outlive this.
  explicit PartIndexWriter(kv::PartWriter* writer);
  ~PartIndexWriter();
  // The next ordinal's labels. REQUIRES: canonical, in strictly ascending label order (checked).
  // Errors: kIoError, ...
  Status Add(std::string_view labels);
  // Writes what is pending. To be called once, after the last Add.
  Status Finish();
  uint64_t series_count() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Thread safety: all methods from any thread. Every error about bytes is kDataLoss and names part
// and key.
class PartIndexReader {
 public:
  // Reads the small shared pieces (symbol table); `part` is kept.
  static Result<std::unique_ptr<PartIndexReader>> Open(std::shared_ptr<const kv::Part> part);
  ~PartIndexReader();

  // Ordinals that satisfy all matchers, ascending.
  Result<std::vector<Ordinal>> Match(std::span<const LabelMatcher> matchers) const;
  // Calls visit(i, canonical label bytes of ordinals[i]) in order; `ordinals` ascend. Each block is
  // decoded once.
  Status VisitLabels(std::span<const Ordinal> ordinals,
                     const std::function<void(size_t i, std::string_view labels)>& visit) const;
  // Sorted, distinct, from the postings keys alone.
  Result<std::vector<std::string>> LabelNames() const;
  Result<std::vector<std::string>> LabelValues(std::string_view name) const;
  uint64_t series_count() const;

 private:
  class Impl;
  explicit PartIndexReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve::index
