// SelectionCursor: walks a selection in label order for Database::Read.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/reader.h"
#include "varve/database.h"
#include "varve/status.h"

namespace varve::engine {

// Holds the samples of one series at a time, and the blocks of parts that it is in the middle of:
// label order is the order of a part's series. Thread safety: none.
class SelectionCursor final : public SeriesCursor {
 public:
  SelectionCursor(std::shared_ptr<const SeriesSelection> selection, TimeRange range);
  Result<bool> Next(SeriesSamples* out) override;

 private:
  // Moves `buffer_` into the samples of `out`.
  void Take(SeriesSamples* out);

  const std::shared_ptr<const SeriesSelection> selection_;
  const TimeRange range_;
  std::vector<uint32_t> order_;  // of the selection's series, by labels
  size_t next_ = 0;              // into order_
  SampleBuffer buffer_;
};

}  // namespace varve::engine
