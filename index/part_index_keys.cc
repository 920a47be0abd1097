#include "index/part_index_keys.h"

#include "base/bytes.h"
#include "base/status_macros.h"

namespace varve::index {
namespace {

constexpr char kEscape = '\x00';
constexpr char kEscapedZero = '\xff';
constexpr char kEnd = '\x01';
constexpr char kAfterEnd = '\x02';
static_assert(static_cast<unsigned char>(kEnd) < static_cast<unsigned char>(kEscapedZero),
              "a string must sort before those that it is a prefix of");

std::string NumberedKey(char prefix, uint32_t number) {
  std::string key(1, prefix);
  AppendBigEndian32(&key, number);
  return key;
}

void AppendEscaped(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    out->push_back(c);
    if (c == kEscape) out->push_back(kEscapedZero);
  }
}

void AppendEnd(char end, std::string* out) {
  out->push_back(kEscape);
  out->push_back(end);
}

// Takes one escaped string off the front of `key`.
Status TakeEscaped(std::string_view* key, std::string* out) {
  for (size_t i = 0; i + 1 < key->size(); ++i) {
    const char c = (*key)[i];
    if (c != kEscape) {
      out->push_back(c);
      continue;
    }
    const char next = (*key)[++i];
    if (next == kEnd) {
      key->remove_prefix(i + 1);
      return OkStatus();
    }
    if (next != kEscapedZero) break;
    out->push_back('\0');
  }
  return DataLossError("postings key is malformed");
}

}  // namespace

std::string SeriesBlockKey(uint32_t block) { return NumberedKey(kSeriesBlockPrefix, block); }
std::string PairChunkKey(uint32_t chunk) { return NumberedKey(kPairChunkPrefix, chunk); }
std::string SummaryKey() { return std::string(1, kSummaryPrefix); }

std::string PostingsKeyPrefix(std::string_view name, std::string_view value_prefix) {
  std::string key;
  key.reserve(name.size() + value_prefix.size() + 4);
  AppendEscaped(name, &key);
  AppendEnd(kEnd, &key);
  AppendEscaped(value_prefix, &key);
  return key;
}

std::string PostingsKey(std::string_view name, std::string_view value) {
  std::string key = PostingsKeyPrefix(name, value);
  AppendEnd(kEnd, &key);
  return key;
}

std::string PostingsKeyAfterName(std::string_view name) {
  std::string key;
  AppendEscaped(name, &key);
  AppendEnd(kAfterEnd, &key);
  return key;
}

Result<PostingsKeyParts> ParsePostingsKey(std::string_view key) {
  PostingsKeyParts parts;
  RETURN_IF_ERROR(TakeEscaped(&key, &parts.name));
  RETURN_IF_ERROR(TakeEscaped(&key, &parts.value));
  if (!key.empty() || parts.name.empty() || parts.value.empty())
    return DataLossError("postings key is malformed");
  return parts;
}

}  // namespace varve::index
