// SelectMeter: tells a SelectCheck now and then what a selection has come to hold.
#pragma once

#include <cstdint>
#include <utility>

#include "engine/reader.h"
#include "varve/status.h"

namespace varve::engine {

// Not thread-safe. `check` is borrowed and may be empty: then nobody asks.
class SelectMeter {
 public:
  explicit SelectMeter(const SelectCheck& check) : check_(check) {}

  // One more series, which holds so many bytes.
  Status Add(uint64_t bytes) {
    bytes_ += bytes;
    return ++series_ < kSeriesPerCheck ? OkStatus() : Check();
  }
  Status Check() {
    const uint64_t series = std::exchange(series_, 0);
    const uint64_t bytes = std::exchange(bytes_, 0);
    return check_ ? check_(series, bytes) : OkStatus();
  }

 private:
  static constexpr uint64_t kSeriesPerCheck = 1024;

  const SelectCheck& check_;
  uint64_t series_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace varve::engine
