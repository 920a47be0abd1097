// A label pair: one name-and-value run of canonical label bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/varint.h"

namespace varve::index {

struct LabelPair {
  std::string_view name;
  std::string_view value;
};

// REQUIRES: `pair` is one well-formed pair.
inline LabelPair SplitPair(std::string_view pair) {
  const auto* begin = reinterpret_cast<const uint8_t*>(pair.data());
  const uint8_t* end = begin + pair.size();
  uint64_t name_size = 0;
  const uint8_t* name = DecodeVarint(begin, end, &name_size);
  VARVE_CHECK(name != nullptr && name_size <= static_cast<uint64_t>(end - name));
  uint64_t value_size = 0;
  const uint8_t* value = DecodeVarint(name + name_size, end, &value_size);
  VARVE_CHECK(value != nullptr && value_size == static_cast<uint64_t>(end - value));
  return {{reinterpret_cast<const char*>(name), name_size},
          {reinterpret_cast<const char*>(value), value_size}};
}

}  // namespace varve::index
