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
#include <optional>
#include <string>
#include <string_view>

#include "storage/file_system.h"
#include "varve/status.h"

namespace varve::kv {

// Offset of the first damaged record; empty when all records are valid or the file merely ends
// early. A hole of zeros is an early end too: pages of unsynced writes reach the disk in any order.
std::optional<uint64_t> FindLogDamage(std::string_view bytes);

// Checks the WAL files of `directory` and the MANIFEST that CURRENT names. Error: kDataLoss naming
// file and offset, kIoError.
Status CheckLogs(FileSystem* file_system, const std::string& directory);

}  // namespace varve::kv
