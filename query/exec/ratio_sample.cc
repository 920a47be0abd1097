#include "query/exec/ratio_sample.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/xxh64.h"

namespace varve::promql::exec {
namespace {

void AppendSized(std::string_view text, std::string* out) {
  constexpr size_t kLong = 255;
  const size_t size = text.size();
  out->push_back(static_cast<char>(std::min(size, kLong)));
  if (size >= kLong) {
    for (const unsigned shift : {0u, 8u, 16u}) out->push_back(static_cast<char>(size >> shift));
  }
  out->append(text);
}

}  // namespace

uint64_t ReferenceHash(const Labels& labels, std::string* scratch) {
  scratch->clear();
  for (const LabelView label : labels) {
    AppendSized(label.name, scratch);
    AppendSized(label.value, scratch);
  }
  return Xxh64(*scratch);
}

bool InRatio(double ratio, uint64_t hash) {
  const double offset =
      static_cast<double>(hash) / static_cast<double>(std::numeric_limits<uint64_t>::max());
  const double capped = std::clamp(ratio, -1.0, 1.0);
  return capped >= 0 ? offset < capped : offset >= 1 + capped;
}

}  // namespace varve::promql::exec
