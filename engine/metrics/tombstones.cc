#include "engine/metrics/tombstones.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "engine/metrics/select.h"

namespace varve::engine {
namespace {

constexpr uint8_t kVersion = 1;  // on disk
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr size_t kMatcherBytesMin = 3;

Status Damaged(const std::string& what) { return DataLossError("tombstones: " + what); }

void AppendSelectors(const std::vector<Selector>& selectors, std::string* out) {
  AppendVarint(out, selectors.size());
  for (const Selector& selector : selectors) {
    AppendVarint(out, selector.size());
    for (const Matcher& matcher : selector) {
      out->push_back(static_cast<char>(matcher.op));
      AppendLengthPrefixed(out, matcher.name);
      AppendLengthPrefixed(out, matcher.value);
    }
  }
}

Status ReadSelector(ByteReader* in, Selector* selector) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() / kMatcherBytesMin) return Damaged("matchers exceed the bytes");
  for (uint64_t i = 0; i < count; ++i) {
    const auto op = in->Fixed<uint8_t>();
    const std::string_view name = in->LengthPrefixed();
    const std::string_view value = in->LengthPrefixed();
    if (!in->ok() || op > static_cast<uint8_t>(MatchOp::kRegexNotMatch)) {
      return Damaged("a bad matcher");
    }
    selector->push_back({static_cast<MatchOp>(op), std::string(name), std::string(value)});
  }
  return OkStatus();
}

Status ReadTombstone(ByteReader* in, Tombstone* tombstone) {
  const uint64_t selector_count = in->Varint();
  if (selector_count == 0 || selector_count > in->remaining()) {
    return Damaged("selectors exceed the bytes");
  }
  tombstone->selectors.resize(selector_count);
  for (Selector& selector : tombstone->selectors) RETURN_IF_ERROR(ReadSelector(in, &selector));
  tombstone->range.min_ms = in->SignedVarint();
  tombstone->range.max_ms = in->SignedVarint();
  const uint64_t part_count = in->Varint();
  if (part_count > in->remaining()) return Damaged("parts exceed the bytes");
  uint64_t id = 0;
  for (uint64_t i = 0; i < part_count; ++i) {
    const uint64_t difference = in->Varint();
    if (!in->ok() || difference == 0 || id + difference < id) return Damaged("a bad part");
    id += difference;
    tombstone->part_ids.push_back(id);
  }
  if (!in->ok() || tombstone->range.min_ms > tombstone->range.max_ms) {
    return Damaged("a bad time range");
  }
  auto compiled = CompileSelectors(tombstone->selectors);
  if (!compiled.ok()) return Damaged(compiled.status().message());
  tombstone->compiled = *std::move(compiled);
  return OkStatus();
}

}  // namespace

std::string EncodeTombstones(const TombstoneList& tombstones) {
  std::string out;
  out.push_back(static_cast<char>(kVersion));
  AppendVarint(&out, tombstones.size());
  for (const auto& tombstone : tombstones) {
    AppendSelectors(tombstone->selectors, &out);
    AppendVarint(&out, ZigZagEncode(tombstone->range.min_ms));
    AppendVarint(&out, ZigZagEncode(tombstone->range.max_ms));
    AppendVarint(&out, tombstone->part_ids.size());
    uint64_t previous = 0;
    for (const uint64_t id : tombstone->part_ids) {
      AppendVarint(&out, id - previous);
      previous = id;
    }
  }
  AppendFixed(&out, Hash64(out));
  return out;
}

Result<TombstoneList> DecodeTombstones(std::string_view bytes) {
  if (bytes.size() < 1 + kChecksumBytes) return Damaged("too short");
  ByteReader in(bytes.substr(0, bytes.size() - kChecksumBytes));
  ByteReader trailer(bytes.substr(in.remaining()));
  if (trailer.Fixed<uint64_t>() != Hash64(bytes.substr(0, in.remaining()))) {
    return Damaged("checksum mismatch");
  }
  if (const auto version = in.Fixed<uint8_t>(); version != kVersion) {
    return FailedPreconditionError("tombstones: version " + std::to_string(version) +
                                   " is newer than this program");
  }
  const uint64_t count = in.Varint();
  if (count > in.remaining()) return Damaged("their count exceeds the bytes");
  TombstoneList tombstones;
  for (uint64_t i = 0; i < count; ++i) {
    auto tombstone = std::make_shared<Tombstone>();
    RETURN_IF_ERROR(ReadTombstone(&in, tombstone.get()));
    tombstones.push_back(std::move(tombstone));
  }
  if (!in.ok() || !in.done()) return Damaged("bad length");
  return tombstones;
}

Result<compaction::HiddenSamples> HiddenIn(const TombstoneList& tombstones,
                                           const format::PartInfo& part,
                                           const index::PartIndexReader& index) {
  compaction::HiddenSamples hidden;
  for (const auto& tombstone : tombstones) {
    const std::vector<uint64_t>& ids = tombstone->part_ids;
    if (!std::binary_search(ids.begin(), ids.end(), part.part_id)) continue;
    ASSIGN_OR_RETURN(const std::vector<index::Ordinal> ordinals,
                     MatchAny(index, tombstone->compiled));
    hidden.Hide(ordinals, {tombstone->range.min_ms, tombstone->range.max_ms});
  }
  return hidden;
}

void DropHidden(const compaction::HiddenSamples& hidden, const format::PartInfo& part,
                TimeRange range, std::vector<index::Ordinal>* ordinals) {
  if (hidden.empty()) return;
  const compaction::HiddenRange all = {std::max(range.min_ms, part.min_time_ms),
                                       std::min(range.max_ms, part.max_time_ms)};
  std::erase_if(*ordinals, [&](index::Ordinal ordinal) { return hidden.Covers(ordinal, all); });
}

}  // namespace varve::engine
