// DurationHistogram: durations counted into the buckets of a native histogram.
#pragma once

#include <cstdint>
#include <vector>

#include "varve/histogram.h"

namespace varve::engine {

// Thread safety: none.
class DurationHistogram {
 public:
  static constexpr int32_t kSchema = 3;  // eight buckets between powers of two

  void Add(double seconds);
  // Goes on from what was counted before, if that has the same schema.
  void Restore(const Histogram& before);
  Histogram ToHistogram() const;
  double count() const { return count_; }

 private:
  struct Bucket {
    int32_t index = 0;
    double count = 0;
  };
  // The bucket of this index, made if there is none.
  Bucket* Find(int32_t index);

  double count_ = 0;
  double zero_count_ = 0;
  double sum_ = 0;               // s
  std::vector<Bucket> buckets_;  // by index
};

}  // namespace varve::engine
