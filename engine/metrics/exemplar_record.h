// The body of a journal record of kind kExemplars: the exemplars of one append, under the labels of
// their series. Layout: docs/FORMATS.md, "Exemplar record".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/format/exemplar_block.h"
#include "varve/status.h"

namespace varve::engine {

// Of one series. Everything is borrowed.
struct SeriesExemplarViews {
  std::string_view labels;  // canonical
  std::vector<format::ExemplarView> exemplars;
};

// Appends to `out`.
void EncodeExemplarRecord(std::span<const SeriesExemplarViews> series, std::string* out);
// Replaces `series`; views point into the body. Error: kDataLoss. Memory is bounded by the body's
// size.
Status DecodeExemplarRecord(std::string_view body, std::vector<SeriesExemplarViews>* series);

// The body of kind kSamplesAndExemplars: both records of one append, so that a crash leaves the
// whole of it or nothing.
std::string JoinRecords(std::string_view samples, std::string_view exemplars);
// Error: kDataLoss.
Status SplitRecords(std::string_view body, std::string_view* samples, std::string_view* exemplars);

}  // namespace varve::engine
