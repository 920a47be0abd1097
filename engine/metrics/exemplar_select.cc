#include "engine/metrics/exemplar_select.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "compaction/exemplar_part.h"
#include "engine/metrics/select.h"

namespace varve::engine {
namespace {

Status CollectFromPart(const std::shared_ptr<const kv::Part>& part, const TombstoneList& tombstones,
                       std::span<const CompiledSelector> selectors, TimeRange range,
                       ExemplarMap* found) {
  ASSIGN_OR_RETURN(const auto reader, compaction::ExemplarPartReader::Open(part));
  ASSIGN_OR_RETURN(const std::vector<index::Ordinal> ordinals,
                   MatchAny(reader->index(), selectors));
  ASSIGN_OR_RETURN(const compaction::HiddenSamples hidden,
                   HiddenIn(tombstones, part->info(), reader->index()));
  std::vector<std::vector<StoredExemplar>*> into(ordinals.size());
  RETURN_IF_ERROR(reader->index().VisitLabels(ordinals, [&](size_t i, std::string_view labels) {
    into[i] = &(*found)[std::string(labels)];
  }));
  return reader->VisitExemplars(
      ordinals, range.min_ms, range.max_ms, [&](size_t i, const format::ExemplarView& exemplar) {
        if (hidden.Hides(ordinals[i], exemplar.timestamp_ms)) return;
        into[i]->push_back({exemplar.timestamp_ms, exemplar.value, std::string(exemplar.labels)});
      });
}

// Sorted, without what memory and parts, or several parts, have both.
std::vector<Exemplar> Finish(std::vector<StoredExemplar>* stored) {
  std::sort(stored->begin(), stored->end(), [](const StoredExemplar& a, const StoredExemplar& b) {
    return format::CompareExemplars(a.view(), b.view()) < 0;
  });
  std::vector<Exemplar> exemplars;
  const StoredExemplar* previous = nullptr;
  for (const StoredExemplar& exemplar : *stored) {
    if (previous == nullptr || format::CompareExemplars(previous->view(), exemplar.view()) != 0) {
      exemplars.push_back(
          {Labels::FromCanonicalBytes(exemplar.labels), exemplar.value, exemplar.timestamp_ms});
    }
    previous = &exemplar;
  }
  return exemplars;
}

}  // namespace

Result<std::vector<SeriesExemplars>> SelectExemplars(const ExemplarStore& memory,
                                                     const kv::Store& store,
                                                     const Tombstones& tombstones,
                                                     std::span<const Selector> selectors,
                                                     TimeRange range) {
  ASSIGN_OR_RETURN(const std::vector<CompiledSelector> compiled, CompileSelectors(selectors));
  ExemplarMap found;
  // Memory first: what a checkpoint takes away from it is in the catalog before. As with samples,
  // the tombstones must not change meanwhile.
  std::shared_ptr<const kv::CatalogVersion> version;  // keeps the parts
  std::shared_ptr<const TombstoneList> hiding;
  do {
    found.clear();
    hiding = tombstones.current();
    memory.Collect(compiled, range, &found);
    version = store.current();
  } while (hiding != tombstones.current());
  for (const auto& part : version->parts) {
    const format::PartInfo& info = part->info();
    if (info.signal != format::Signal::kExemplars || info.min_time_ms > range.max_ms ||
        info.max_time_ms < range.min_ms) {
      continue;
    }
    RETURN_IF_ERROR(CollectFromPart(part, *hiding, compiled, range, &found));
  }
  std::vector<SeriesExemplars> all;
  for (auto& [labels, stored] : found) {
    if (stored.empty()) continue;
    all.push_back({Labels::FromCanonicalBytes(labels), Finish(&stored)});
  }
  return all;
}

}  // namespace varve::engine
