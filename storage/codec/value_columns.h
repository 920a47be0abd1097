// Columns of any integers and of strings, for data that has rows rather than a time axis. Bytes of
// equal weight and strings of equal meaning lie together, for a general compressor to find what
// they share. Layout: docs/FORMATS.md, "Value columns".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varve::codec {

// Appends the column in the smallest of its forms: one value, a dictionary of up to 256, or planes
// of bytes above the smallest value. An empty column is empty.
void EncodeValues(std::span<const uint64_t> values, std::string* out);
// Takes `count` values from `bytes`, all of which they must be. False when they are not.
bool DecodeValues(std::string_view bytes, size_t count, std::vector<uint64_t>* values);

// Strings as rows see them: row i is dictionary[indices[i]].
struct StringColumn {
  std::vector<std::string_view> dictionary;  // into the bytes it was decoded from
  std::vector<uint32_t> indices;             // empty: row i is dictionary[i]

  size_t size() const { return indices.empty() ? dictionary.size() : indices.size(); }
  uint32_t index(size_t row) const {
    return indices.empty() ? static_cast<uint32_t>(row) : indices[row];
  }
  std::string_view at(size_t row) const { return dictionary[index(row)]; }
};

// `dictionary` holds what occurs, each once; `indices` says where. Rows are told by dictionary or,
// where that is larger, one after the other.
void EncodeStrings(std::span<const std::string_view> dictionary, std::span<const uint32_t> indices,
                   std::string* out);
// As DecodeValues; the column points into `bytes`.
bool DecodeStrings(std::string_view bytes, size_t count, StringColumn* column);

// Gives strings numbers in the order of their first appearance. The strings are borrowed.
class StringNumbering {
 public:
  uint32_t Number(std::string_view text);
  std::span<const std::string_view> strings() const { return strings_; }
  void Clear();

 private:
  void Grow();

  std::vector<std::string_view> strings_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;  // number + 1; 0: free
};

}  // namespace varve::codec
