#include "index/head_index.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "index/head_index_impl.h"
#include "index/head_postings.h"
#include "index/label_pair.h"
#include "storage/format/label_bytes.h"

namespace varve::index {
namespace {

// Series looked up side by side: enough to hide the memory's latency, few enough to stay in the
// first-level cache.
constexpr size_t kLookupBlock = 32;

template <typename T>
T Load(const char* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return v;
}

// memcmp for short runs, without the call: two overlapping words cover 4 to 16 bytes, more go 8
// by 8.
bool EqualBytes(const char* a, const char* b, size_t size) {
  if (size < 4) return std::memcmp(a, b, size) == 0;
  if (size < 8) {
    return Load<uint32_t>(a) == Load<uint32_t>(b) &&
           Load<uint32_t>(a + size - 4) == Load<uint32_t>(b + size - 4);
  }
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    if (Load<uint64_t>(a + i) != Load<uint64_t>(b + i)) return false;
  }
  return Load<uint64_t>(a + size - 8) == Load<uint64_t>(b + size - 8);
}

}  // namespace

bool HeadIndex::Impl::HasLabels(SeriesId id, std::string_view labels) const {
  const char* at = labels.data();
  const char* end = at + labels.size();
  for (const PairId pair : series.Pairs(id)) {
    const PairDictionary::Entry& entry = pairs.entry(pair);
    if (static_cast<size_t>(end - at) < entry.size || !EqualBytes(at, entry.data, entry.size))
      return false;
    at += entry.size;
  }
  return at == end;
}

HeadIndex::HeadIndex() : impl_(std::make_unique<Impl>()) {}
HeadIndex::~HeadIndex() = default;

void HeadIndex::Lookup(std::span<const std::string_view> labels, std::span<SeriesId> ids,
                       std::span<uint64_t> hashes) const {
  VARVE_CHECK(ids.size() == labels.size() && hashes.size() == labels.size());
  const Impl& impl = *impl_;
  for (size_t first = 0; first < labels.size(); first += kLookupBlock) {
    const size_t end = std::min(labels.size(), first + kLookupBlock);
    // Each pass touches what the pass before it fetched.
    for (size_t i = first; i < end; ++i) {
      hashes[i] = Hash64(labels[i]);
      impl.ShardOf(hashes[i]).Prefetch(Impl::TagOf(hashes[i]));
    }
    for (size_t i = first; i < end; ++i) {
      ids[i] = impl.ShardOf(hashes[i]).Find(Impl::TagOf(hashes[i]), [](SeriesId) { return true; });
      if (ids[i] != kNoSeriesId) impl.series.PrefetchRecord(ids[i]);
    }
    for (size_t i = first; i < end; ++i) {
      if (ids[i] != kNoSeriesId) impl.series.PrefetchPairs(ids[i]);
    }
    for (size_t i = first; i < end; ++i) {
      if (ids[i] == kNoSeriesId || impl.HasLabels(ids[i], labels[i])) continue;
      // Another series with this tag came first: look at all of them.
      ids[i] = impl.ShardOf(hashes[i]).Find(
          Impl::TagOf(hashes[i]), [&](SeriesId id) { return impl.HasLabels(id, labels[i]); });
    }
  }
}

void HeadIndex::Insert(SeriesId id, std::string_view labels, uint64_t hash) {
  std::vector<PairId>& pairs = impl_->scratch;
  pairs.clear();
  format::LabelCursor cursor(labels);
  while (cursor.Next()) pairs.push_back(impl_->pairs.Intern(cursor.pair()));
  VARVE_CHECK(cursor.ok());
  InsertPairs(id, pairs, hash);
}

PairId HeadIndex::InternPair(std::string_view pair) { return impl_->pairs.Intern(pair); }

void HeadIndex::InsertPairs(SeriesId id, std::span<const PairId> pairs, uint64_t hash) {
  impl_->series.Add(id, pairs);
  for (const PairId pair : pairs) impl_->pairs.AppendPosting(pair, id);
  impl_->ShardOf(hash).Insert(Impl::TagOf(hash), id);
}

void HeadIndex::Remove(std::span<const SeriesId> ids) {
  // (pair, id), so that each pair's postings change once.
  std::vector<std::pair<PairId, SeriesId>> removed;
  for (const SeriesId id : ids) {
    const uint64_t hash = Hash(id);
    impl_->ShardOf(hash).Erase(Impl::TagOf(hash), id);
    for (const PairId pair : SeriesPairs(id)) removed.emplace_back(pair, id);
    impl_->series.Remove(id);
  }
  std::sort(removed.begin(), removed.end());
  std::vector<SeriesId> of_pair;
  for (size_t i = 0; i < removed.size();) {
    const PairId pair = removed[i].first;
    of_pair.clear();
    for (; i < removed.size() && removed[i].first == pair; ++i)
      of_pair.push_back(removed[i].second);
    impl_->pairs.RemovePostings(pair, of_pair);
  }
  impl_->pairs.Compact();
  for (IdTable& shard : impl_->shards) shard.ShrinkToFit();
}

bool HeadIndex::Contains(SeriesId id) const { return impl_->series.Contains(id); }
size_t HeadIndex::series_count() const { return impl_->series.size(); }
size_t HeadIndex::pair_count() const { return impl_->pairs.size(); }

size_t HeadIndex::memory_bytes() const {
  size_t bytes = sizeof(Impl) + impl_->pairs.memory_bytes() + impl_->series.memory_bytes();
  for (const IdTable& shard : impl_->shards) bytes += shard.memory_bytes();
  return bytes;
}

uint64_t HeadIndex::Hash(SeriesId id) const {
  std::string labels;
  AppendLabels(id, &labels);
  return Hash64(labels);
}

std::span<const PairId> HeadIndex::SeriesPairs(SeriesId id) const {
  return impl_->series.Pairs(id);
}
std::string_view HeadIndex::PairBytes(PairId pair) const {
  return impl_->pairs.entry(pair).bytes();
}

void HeadIndex::AppendLabels(SeriesId id, std::string* out) const {
  for (const PairId pair : impl_->series.Pairs(id)) out->append(impl_->pairs.entry(pair).bytes());
}

std::vector<SeriesId> HeadIndex::Match(std::span<const LabelMatcher> matchers) const {
  if (matchers.empty()) return impl_->series.AllIds();
  auto ids = EvaluateMatchers(HeadPostings(&impl_->pairs, &impl_->series), matchers);
  VARVE_CHECK(ids.ok());
  return std::move(ids).value();
}

bool HeadIndex::Matches(SeriesId id, std::span<const LabelMatcher> matchers) const {
  const HeadPostings postings(&impl_->pairs, &impl_->series);
  return std::all_of(matchers.begin(), matchers.end(), [&](const LabelMatcher& matcher) {
    const NameId name = impl_->pairs.FindName(matcher.name());
    const PairId pair = name == kNoNameId ? kNoPairId : postings.FindPair(id, name);
    return pair == kNoPairId ? matcher.MatchesEmpty()
                             : matcher.Matches(SplitPair(PairBytes(pair)).value);
  });
}

}  // namespace varve::index
