// The value of one label pair in a part's `postings` family: which ordinals bear it.
// Layout: docs/FORMATS.md, "Postings".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "index/id_set.h"
#include "varve/status.h"

namespace varve::index {

enum class PostingsKind : uint8_t {  // on disk: never change a value
  kList = 1,                         // gaps
  kRuns = 2,                         // gaps and lengths
  kRoaring = 3,                      // portable roaring bitmap
};

// Appends whichever encoding is smallest. REQUIRES: `ordinals` ascend strictly, at least one.
void EncodePostings(std::span<const uint32_t> ordinals, std::string* out);

// Adds the ordinals to `out`. Error: kDataLoss for anything but postings of ordinals below
// `ordinal_limit`; then `out` may hold some of them.
Status DecodePostings(std::string_view bytes, uint64_t ordinal_limit, IdUnion* out);

}  // namespace varve::index
