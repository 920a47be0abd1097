// A check of serialized roaring bitmaps that does not trust them.
#pragma once

#include <cstdint>
#include <string_view>

#include "varve/status.h"

namespace varve::index {

// kDataLoss unless `bytes` are exactly one bitmap in the portable format
// (https://github.com/RoaringBitmap/RoaringFormatSpec): containers and their contents ascend,
// cardinalities and offsets agree, no run leaves its container, and every value is below `limit`.
// Needed because CRoaring 0.2.66 takes runs beyond 65535 for granted and then writes past its
// buffers.
Status CheckPortableRoaring(std::string_view bytes, uint64_t limit);

}  // namespace varve::index
