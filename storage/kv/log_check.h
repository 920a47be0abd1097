// Tells a torn tail from damage in RocksDB's log-format files (WAL, MANIFEST), before RocksDB reads
// them.
//
// RocksDB takes a record whose length was damaged for the torn end of the file and drops everything
// behind it without a word: with it synced commits, or the names of live files, which it then
// removes. The rule here: a bad record with a valid record after it is damage.
//
// Format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format (blocks of 32 KiB;
// record = masked CRC-32C of type and payload, u16 length, u8 type, payload; files that are not
// recycled only).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "storage/file_system.h"
#include "varve/status.h"

namespace varve::kv {

struct LogScan {
  uint64_t valid_bytes = 0;  // the records up to here are valid
  bool torn = false;         // bytes follow that are no valid record
  // A valid record follows them. A hole of zeros before it is a torn end all the same: pages of
  // unsynced writes reach the disk in any order.
  bool damaged = false;
  // Of a WAL: the sequence numbers of its complete batches, as [first, next); both 0 without any,
  // except that `next` is then what the torn record says of itself, where it still says something.
  uint64_t first_sequence = 0;
  uint64_t next_sequence = 0;
};
LogScan ScanLog(std::string_view bytes);

// Calls visit(bytes) for every complete logical record before the first bad one.
void VisitLogRecords(std::string_view bytes, const std::function<void(std::string_view)>& visit);

// Checks the WAL files of `directory` that RocksDB will read, each and their succession, and the
// MANIFEST that CURRENT names. Error: kDataLoss naming file and offset, kIoError.
Status CheckLogs(FileSystem* file_system, const std::string& directory);

}  // namespace varve::kv
