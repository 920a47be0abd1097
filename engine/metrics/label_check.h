// The rules that the labels of a new series must keep.
#pragma once

#include <string>
#include <string_view>

#include "varve/database.h"
#include "varve/options.h"

namespace varve::engine {

// The first rule that `raw` (label bytes in any order) breaks, with the offending value in
// `example`; or kNone, and the canonical bytes are appended to `canonical`.
RejectReason CheckLabels(std::string_view raw, const Options& options, std::string* canonical,
                         std::string* example);

}  // namespace varve::engine
