// How the exemplars of a batch become a journal record.
#pragma once

#include <cstdint>

#include "engine/metrics/head.h"
#include "engine/metrics/prepared_batch.h"
#include "varve/options.h"

namespace varve::engine {

// Checks the batch's exemplars, refuses alone what is invalid (their series' labels or reference,
// their own labels, times outside [min_time, max_time]), counts the rest as appended and puts them
// into batch->exemplar_body. To be called before Head::Prepare, which forgets references that name
// nothing.
void PrepareExemplars(Head* head, const Options& options, int64_t min_time_ms, int64_t max_time_ms,
                      PreparedBatch* batch);

}  // namespace varve::engine
