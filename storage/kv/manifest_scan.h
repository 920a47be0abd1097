// What the MANIFEST says of WAL files: which of them RocksDB no longer reads.
//
// Format: https://github.com/facebook/rocksdb/wiki/MANIFEST (a log of version edits; each edit is
// a sequence of varint tags with their values, of one column family).
#pragma once

#include <cstdint>
#include <string_view>

namespace varve::kv {

// WAL files with smaller numbers hold nothing that is not in SST files: RocksDB skips them, and one
// that is still there was about to be removed. 0 when the bytes hold an edit of a kind unknown
// here, which is always safe to assume. `manifest` is the file's bytes up to its torn end.
uint64_t MinWalNumber(std::string_view manifest);

}  // namespace varve::kv
