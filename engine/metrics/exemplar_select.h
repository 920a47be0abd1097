// Exemplars of memory and of parts: Database::Exemplars.
#pragma once

#include <span>
#include <vector>

#include "engine/metrics/exemplar_store.h"
#include "engine/metrics/tombstones.h"
#include "storage/kv/store.h"
#include "varve/database.h"
#include "varve/status.h"

namespace varve::engine {

// Errors: kInvalidArgument (bad regular expression), kDataLoss, kIoError.
Result<std::vector<SeriesExemplars>> SelectExemplars(const ExemplarStore& memory,
                                                     const kv::Store& store,
                                                     const Tombstones& tombstones,
                                                     std::span<const Selector> selectors,
                                                     TimeRange range);

}  // namespace varve::engine
