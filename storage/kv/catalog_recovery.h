// What an open finds: the catalog, the files that RocksDB knows, and whether they agree.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "storage/format/part_info.h"
#include "storage/kv/rocksdb_handle.h"
#include "storage/kv/store_state.h"
#include "storage/kv/stored_part.h"
#include "varve/status.h"

namespace varve::kv {

struct RecoveredPart {
  format::PartInfo info;
  LargestKeys largest_keys;
};

struct RecoveredCatalog {
  StoreFormat format;
  uint64_t next_part_id = 1;
  std::vector<RecoveredPart> parts;
  std::vector<uint64_t> orphans;    // parts with files but without an entry, ascending
  std::vector<std::string> strays;  // files that no part needs and whose key bounds are wrong
};

// Reads and checks the catalog; of an empty database, writes the format record first.
// Errors: kDataLoss (an entry is damaged, named; a file of a part is unknown to RocksDB),
// kFailedPrecondition (a newer format), kIoError.
Result<RecoveredCatalog> RecoverCatalog(const RocksDbHandle& handle);

// Removes what a crash left behind: files of orphans and files that were never ingested.
// REQUIRES: RecoverCatalog accepted the catalog.
Status RemoveLeftovers(const RocksDbHandle& handle, const RecoveredCatalog& catalog);

}  // namespace varve::kv
