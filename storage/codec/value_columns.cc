#include "storage/codec/value_columns.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/varint.h"

namespace varve::codec {
namespace {

enum class ValueForm : uint8_t {  // on disk: never change a value
  kConstant = 0,
  kDictionary = 1,
  kPlanes = 2,
};
enum class StringForm : uint8_t {  // on disk: never change a value
  kDictionary = 0,
  kPlain = 1,
};

constexpr size_t kDictionaryMax = 256;
constexpr size_t kSlotsMin = 64;

unsigned BytesOf(uint64_t value) { return (static_cast<unsigned>(std::bit_width(value)) + 7) / 8; }

// Up to 256 distinct values, found by a small table; false when there are more.
class SmallDictionary {
 public:
  bool Build(std::span<const uint64_t> values) {
    slots_.fill(0);
    indices_.reserve(values.size());
    for (const uint64_t value : values) {
      size_t slot = (value * 0x9e3779b97f4a7c15) >> 54;  // 10 bits
      while (slots_[slot] != 0 && values_[slots_[slot] - 1] != value) {
        slot = (slot + 1) % slots_.size();
      }
      if (slots_[slot] == 0) {
        if (values_.size() == kDictionaryMax) return false;
        values_.push_back(value);
        slots_[slot] = static_cast<uint16_t>(values_.size());
      }
      indices_ += static_cast<char>(slots_[slot] - 1);
    }
    return true;
  }
  const std::vector<uint64_t>& values() const { return values_; }
  const std::string& indices() const { return indices_; }

 private:
  std::array<uint16_t, 1024> slots_;
  std::vector<uint64_t> values_;
  std::string indices_;
};

void AppendPlanes(std::span<const uint64_t> values, uint64_t min, unsigned width,
                  std::string* out) {
  *out += static_cast<char>(ValueForm::kPlanes);
  *out += static_cast<char>(width);
  AppendVarint(out, min);
  const size_t start = out->size();
  out->resize(start + width * values.size());
  char* const planes = out->data() + start;
  for (unsigned plane = 0; plane < width; ++plane) {
    char* const at = planes + plane * values.size();
    for (size_t i = 0; i < values.size(); ++i) {
      at[i] = static_cast<char>((values[i] - min) >> (8 * plane));
    }
  }
}

// Numbers below `limit` in as many bytes each as that takes.
unsigned IndexWidth(size_t limit) {
  if (limit <= 1) return 0;
  return limit <= 0x100 ? 1 : limit <= 0x10000 ? 2 : 4;
}

bool ReadLengths(ByteReader* reader, size_t count, std::vector<std::string_view>* strings) {
  if (count > reader->remaining()) return false;  // a byte each at least
  std::vector<uint64_t> lengths(count);
  for (uint64_t& length : lengths) length = reader->Varint();
  strings->resize(count);
  for (size_t i = 0; i < count; ++i) (*strings)[i] = reader->Bytes(lengths[i]);
  return reader->ok();
}

void AppendTexts(std::span<const std::string_view> strings, std::string* out) {
  for (const std::string_view text : strings) AppendVarint(out, text.size());
  for (const std::string_view text : strings) out->append(text);
}

}  // namespace

void EncodeValues(std::span<const uint64_t> values, std::string* out) {
  if (values.empty()) return;
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  if (*min == *max) {
    *out += static_cast<char>(ValueForm::kConstant);
    AppendVarint(out, *min);
    return;
  }
  const unsigned width = BytesOf(*max - *min);
  SmallDictionary dictionary;
  // One byte a value is the least that planes take, too.
  if (width > 1 && values.size() >= 16 && dictionary.Build(values)) {
    *out += static_cast<char>(ValueForm::kDictionary);
    AppendVarint(out, dictionary.values().size());
    for (const uint64_t value : dictionary.values()) AppendVarint(out, value);
    *out += dictionary.indices();
    return;
  }
  AppendPlanes(values, *min, width, out);
}

bool DecodeValues(std::string_view bytes, size_t count, std::vector<uint64_t>* values) {
  values->clear();
  if (count == 0) return bytes.empty();
  ByteReader reader(bytes);
  switch (static_cast<ValueForm>(reader.Fixed<uint8_t>())) {
    case ValueForm::kConstant: {
      const uint64_t value = reader.Varint();
      if (!reader.ok() || !reader.done()) return false;
      values->assign(count, value);
      return true;
    }
    case ValueForm::kDictionary: {
      const uint64_t size = reader.Varint();
      if (size == 0 || size > kDictionaryMax) return false;
      std::array<uint64_t, kDictionaryMax> dictionary{};
      for (uint64_t i = 0; i < size; ++i) dictionary[i] = reader.Varint();
      const std::string_view indices = reader.Bytes(count);
      if (!reader.ok() || !reader.done()) return false;
      values->resize(count);
      for (size_t i = 0; i < count; ++i) {
        const auto index = static_cast<uint8_t>(indices[i]);
        if (index >= size) return false;
        (*values)[i] = dictionary[index];
      }
      return true;
    }
    case ValueForm::kPlanes: {
      const auto width = reader.Fixed<uint8_t>();
      const uint64_t min = reader.Varint();
      if (!reader.ok() || width == 0 || width > 8 || count > reader.remaining() / width) {
        return false;
      }
      const std::string_view planes = reader.Bytes(count * width);
      if (!reader.done()) return false;
      values->assign(count, 0);
      for (unsigned plane = 0; plane < width; ++plane) {
        const char* const at = planes.data() + plane * count;
        for (size_t i = 0; i < count; ++i) {
          (*values)[i] |= uint64_t{static_cast<uint8_t>(at[i])} << (8 * plane);
        }
      }
      for (uint64_t& value : *values) value += min;
      return true;
    }
  }
  return false;
}

void EncodeStrings(std::span<const std::string_view> dictionary, std::span<const uint32_t> indices,
                   std::string* out) {
  if (indices.empty()) return;
  const unsigned width = IndexWidth(dictionary.size());
  size_t dictionary_bytes = 0;
  for (const std::string_view text : dictionary) dictionary_bytes += text.size() + 1;
  size_t plain_bytes = 0;
  for (const uint32_t index : indices) plain_bytes += dictionary[index].size() + 1;
  if (dictionary_bytes + width * indices.size() >= plain_bytes) {
    *out += static_cast<char>(StringForm::kPlain);
    for (const uint32_t index : indices) AppendVarint(out, dictionary[index].size());
    for (const uint32_t index : indices) out->append(dictionary[index]);
    return;
  }
  *out += static_cast<char>(StringForm::kDictionary);
  AppendVarint(out, dictionary.size());
  AppendTexts(dictionary, out);
  for (unsigned plane = 0; plane < width; ++plane) {
    for (const uint32_t index : indices) *out += static_cast<char>(index >> (8 * plane));
  }
}

bool DecodeStrings(std::string_view bytes, size_t count, StringColumn* column) {
  column->dictionary.clear();
  column->indices.clear();
  if (count == 0) return bytes.empty();
  ByteReader reader(bytes);
  const auto form = static_cast<StringForm>(reader.Fixed<uint8_t>());
  if (form == StringForm::kPlain) {
    return ReadLengths(&reader, count, &column->dictionary) && reader.done();
  }
  if (form != StringForm::kDictionary) return false;
  const uint64_t size = reader.Varint();
  if (size == 0 || size > reader.remaining() || !ReadLengths(&reader, size, &column->dictionary)) {
    return false;
  }
  const unsigned width = IndexWidth(size);
  if (width != 0 && count > reader.remaining() / width) return false;
  if (width == 0 && count > UINT32_MAX) return false;
  const std::string_view planes = reader.Bytes(count * width);
  if (!reader.done()) return false;
  column->indices.assign(count, 0);
  for (unsigned plane = 0; plane < width; ++plane) {
    const char* const at = planes.data() + plane * count;
    for (size_t i = 0; i < count; ++i) {
      column->indices[i] |= uint32_t{static_cast<uint8_t>(at[i])} << (8 * plane);
    }
  }
  return std::all_of(column->indices.begin(), column->indices.end(),
                     [&](uint32_t index) { return index < size; });
}

uint32_t StringNumbering::Number(std::string_view text) {
  if (strings_.size() * 2 >= slots_.size()) Grow();
  const uint64_t hash = Hash64(text);
  size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot] != 0) {
    const uint32_t number = slots_[slot] - 1;
    if (hashes_[number] == hash && strings_[number] == text) return number;
    slot = (slot + 1) & (slots_.size() - 1);
  }
  strings_.push_back(text);
  hashes_.push_back(hash);
  slots_[slot] = static_cast<uint32_t>(strings_.size());
  return static_cast<uint32_t>(strings_.size() - 1);
}

void StringNumbering::Grow() {
  slots_.assign(std::max(kSlotsMin, slots_.size() * 2), 0);
  for (size_t number = 0; number < strings_.size(); ++number) {
    size_t slot = hashes_[number] & (slots_.size() - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<uint32_t>(number + 1);
  }
}

void StringNumbering::Clear() {
  strings_.clear();
  hashes_.clear();
  std::fill(slots_.begin(), slots_.end(), 0);
}

}  // namespace varve::codec
