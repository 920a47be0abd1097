#include "server/ingest/remote_write.h"

namespace varve::server {

bool MetadataFilter::IsNew(uint64_t hash) {
  return !stored_.contains(hash) && pending_.insert(hash).second;
}

void MetadataFilter::Confirm() {
  if (pending_.empty()) return;
  if (stored_.size() + pending_.size() > kEntriesMax) stored_.clear();
  stored_.merge(pending_);
  pending_.clear();
}

void MetadataFilter::Forget() { pending_.clear(); }

void RemoteWriteScratch::Trim(size_t retained_bytes_max) {
  if (decompressed.capacity() > retained_bytes_max ||
      batch.label_bytes().size() > retained_bytes_max) {
    decompressed.Release();
    batch = WriteBatch();
    label_bytes.Release();
    series = StagedSeries();
    exemplar_labels = {};
    exemplar_symbols = {};
    symbols = {};
    refs = {};
  }
}

}  // namespace varve::server
