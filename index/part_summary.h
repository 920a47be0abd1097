// Part summary: the last value of a part's `series` family. Layout: docs/FORMATS.md, "Series
// table".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::index {

struct PartSummary {
  uint32_t series_count = 0;
  uint32_t pair_count = 0;
};

std::string EncodePartSummary(const PartSummary& summary);
// Errors: kDataLoss, kUnimplemented (a newer version).
Result<PartSummary> DecodePartSummary(std::string_view bytes);

}  // namespace varve::index
