// Exemplars as bytes: lists of them, and the block of one series that is a value of the `exemplars`
// family. Layout: docs/FORMATS.md, "Exemplar block".
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "varve/status.h"

namespace varve::format {

// Labels are canonical bytes; borrowed.
struct ExemplarView {
  int64_t timestamp_ms = 0;
  double value = 0;
  std::string_view labels;
};

// By time, then labels, then bits of the value: exemplars that compare equal are duplicates.
std::strong_ordering CompareExemplars(const ExemplarView& a, const ExemplarView& b);
// Sorts and removes duplicates.
void SortUnique(std::vector<ExemplarView>* exemplars);

// A list, as blocks and journal records hold it.
void AppendExemplarList(std::span<const ExemplarView> exemplars, std::string* out);
// Appends to `exemplars`; views point into the reader's bytes. Error: kDataLoss. Memory is bounded
// by the bytes.
Status ReadExemplarList(ByteReader* in, std::vector<ExemplarView>* exemplars);

// Blocks of one series in a part hold at most so many.
inline constexpr size_t kExemplarsPerBlockMax = 512;

void EncodeExemplarBlock(std::span<const ExemplarView> exemplars, std::string* out);
// Verifies version and checksum; otherwise as ReadExemplarList.
Status DecodeExemplarBlock(std::string_view bytes, std::vector<ExemplarView>* exemplars);

}  // namespace varve::format
