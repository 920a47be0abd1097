// Time column block: up to kTimeColumnsPerBlock columns of timestamps, one value of the
// `time_columns` family. Layout: docs/FORMATS.md, "Time columns".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::format {

inline constexpr uint32_t kTimeColumnsPerBlock = 32;  // on disk: number / 32 is the block

struct EncodedTimeColumn {
  uint32_t sample_count = 0;
  std::string_view bytes;  // codec::EncodeTimes
};

// Appends the block to `out`. REQUIRES: 1 to kTimeColumnsPerBlock columns.
void EncodeTimeColumnBlock(std::span<const EncodedTimeColumn> columns, std::string* out);

// The columns of a block, views into its bytes. Verifies version, checksum and lengths. Error:
// kDataLoss.
Result<std::vector<EncodedTimeColumn>> ParseTimeColumnBlock(std::string_view bytes);

}  // namespace varve::format
