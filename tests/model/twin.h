// Twin: what a database must answer, kept in a std::map; and the readers that compare the two.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "varve/database.h"
#include "varve/histogram.h"
#include "varve/labels.h"
#include "varve/status.h"

namespace varve::model {

// A sample but for its timestamp; compared to the bit, so that NaN payloads and -0.0 count.
struct StoredSample {
  uint64_t bits = 0;  // of a float
  int64_t start_ms = 0;
  HistogramPtr histogram;  // null: a float

  friend bool operator==(const StoredSample& a, const StoredSample& b) {
    if (a.start_ms != b.start_ms || (a.histogram == nullptr) != (b.histogram == nullptr))
      return false;
    return a.histogram == nullptr ? a.bits == b.bits : SameBits(*a.histogram, *b.histogram);
  }
};
using SeriesSamples = std::map<int64_t, StoredSample>;  // by timestamp
using AllSamples = std::map<Labels, SeriesSamples>;

class Twin {
 public:
  // The later write of a timestamp wins.
  void Append(const Labels& labels, int64_t timestamp_ms, double value, int64_t start_ms = 0);
  void Append(const Labels& labels, const HistogramSample& sample);
  // Returns how many series had samples there.
  size_t Delete(const Selector& selector, TimeRange range);
  const AllSamples& samples() const { return samples_; }
  // Every series that ever had a sample.
  const std::set<Labels>& written() const { return written_; }
  // What a selection over `range` must read: series without samples there are left out.
  AllSamples Select(const Selector& selector, TimeRange range) const;

 private:
  AllSamples samples_;
  std::set<Labels> written_;
};

// Whether `labels` satisfy every matcher. Of regular expressions it knows alternations of literals
// ("a|b") and ".*" and ".+" with an optional literal before.
bool Matches(const Labels& labels, const Selector& selector);

// Reads everything that `selector` selects in `range` through the engine's reader, checking that
// timestamps ascend strictly and lie in the range, and that no series is listed twice.
Result<AllSamples> ReadSelected(Database* database, const Selector& selector, TimeRange range);
Result<AllSamples> ReadEverything(Database* database);

// The first difference in words; empty when equal.
std::string Difference(const AllSamples& expected, const AllSamples& actual);

// A number given in the environment.
uint64_t EnvironmentNumber(const char* name, uint64_t otherwise);

}  // namespace varve::model
