// Keys of a part's `series` and `postings` families. Layout: docs/FORMATS.md, "Series table",
// "Postings".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::index {

// The `series` family: one prefix byte, then a number in big-endian. Blocks are written while
// series arrive, the pair chunks and the summary at the end, so their prefixes ascend in this
// order. On disk: never change a value.
inline constexpr char kSeriesBlockPrefix = 1;
inline constexpr char kPairChunkPrefix = 2;
inline constexpr char kSummaryPrefix = 3;

std::string SeriesBlockKey(uint32_t block);
std::string PairChunkKey(uint32_t chunk);
std::string SummaryKey();

// The `postings` family: name and value, each escaped (0x00 becomes 0x00 0xFF) and ended by 0x00
// 0x01, so that keys sort as (name, value) do, whatever bytes these hold.
std::string PostingsKey(std::string_view name, std::string_view value);
// What all keys of a label's values start with, narrowed to the values that start with
// `value_prefix`.
std::string PostingsKeyPrefix(std::string_view name, std::string_view value_prefix);
// The least key above all keys of `name`.
std::string PostingsKeyAfterName(std::string_view name);

struct PostingsKeyParts {
  std::string name;
  std::string value;
};
// Error: kDataLoss when `key` is none.
Result<PostingsKeyParts> ParsePostingsKey(std::string_view key);

}  // namespace varve::index
