#include "storage/kv/log_check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <system_error>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "storage/kv/manifest_scan.h"

namespace varve::kv {
namespace {

constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr uint8_t kFullType = 1;
constexpr uint8_t kFirstType = 2;
constexpr uint8_t kMiddleType = 3;
constexpr uint8_t kLastType = 4;
constexpr size_t kSectorBytes = 512;

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

uint32_t MaskedCrc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// Bytes of the valid record at `offset`, header included; 0 when there is none. Offsets of a
// trailer (the last bytes of a block that no header fits in) have none.
size_t RecordBytesAt(std::string_view bytes, size_t offset) {
  const size_t block_rest = kBlockBytes - offset % kBlockBytes;
  const size_t rest = std::min(block_rest, bytes.size() - offset);
  if (rest < kHeaderBytes) return 0;
  const char* header = bytes.data() + offset;
  const auto type = static_cast<uint8_t>(header[6]);
  if (type < kFullType || type > kLastType) return 0;
  uint32_t crc = 0;
  uint16_t length = 0;
  std::memcpy(&crc, header, sizeof crc);
  std::memcpy(&length, header + 4, sizeof length);
  if (kHeaderBytes + length > rest) return 0;
  if (MaskedCrc32c({header + 6, size_t{length} + 1}) != crc) return 0;
  return kHeaderBytes + length;
}

// Follows the sequence numbers of a WAL's batches: a record starts with the batch's first sequence
// number (u64) and its count (u32). A batch counts when its last fragment is there.
class BatchTracker {
 public:
  void Add(uint8_t type, std::string_view payload, LogScan* scan) {
    if (type == kFullType || type == kFirstType) {
      ByteReader reader(payload);
      first_ = reader.Fixed<uint64_t>();
      next_ = first_ + reader.Fixed<uint32_t>();
      if (!reader.ok()) first_ = next_ = 0;
    }
    if (type == kFirstType || type == kMiddleType || next_ == 0) return;
    if (scan->first_sequence == 0) scan->first_sequence = first_;
    scan->next_sequence = next_;
  }

 private:
  uint64_t first_ = 0;
  uint64_t next_ = 0;
};

// Walks the valid records from the start; scan->valid_bytes is the end of the file or a bad record.
void SkipValid(std::string_view bytes, LogScan* scan) {
  BatchTracker tracker;
  size_t offset = 0;
  while (offset < bytes.size()) {
    const size_t block_rest = kBlockBytes - offset % kBlockBytes;
    if (block_rest < kHeaderBytes) {
      offset = std::min(offset + block_rest, bytes.size());
      continue;
    }
    const size_t record = RecordBytesAt(bytes, offset);
    if (record == 0) break;
    tracker.Add(static_cast<uint8_t>(bytes[offset + 6]),
                bytes.substr(offset + kHeaderBytes, record - kHeaderBytes), scan);
    offset += record;
  }
  scan->valid_bytes = offset;
}

bool HasZeroSector(std::string_view bytes, size_t begin, size_t end) {
  static constexpr char kZeros[kSectorBytes] = {};
  for (size_t at = (begin + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
       at + kSectorBytes <= end; at += kSectorBytes) {
    if (std::memcmp(bytes.data() + at, kZeros, kSectorBytes) == 0) return true;
  }
  return false;
}

Result<LogScan> CheckLog(FileSystem* file_system, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, file_system->ReadFile(path));
  const LogScan scan = ScanLog(bytes);
  if (!scan.damaged) return scan;
  return DataLossError(path + " is damaged at byte " + std::to_string(scan.valid_bytes) + " of " +
                       std::to_string(bytes.size()) + ": an invalid record with valid ones behind");
}

// Returns the number below which WAL files are not read any more.
Result<uint64_t> CheckManifest(FileSystem* file_system, const std::string& directory) {
  ASSIGN_OR_RETURN(std::string name, file_system->ReadFile(directory + "/CURRENT"));
  if (!name.starts_with("MANIFEST-") || !name.ends_with("\n") ||
      name.find('/') != std::string::npos) {
    return DataLossError(directory + "/CURRENT names no MANIFEST: \"" + name + "\"");
  }
  name.pop_back();
  const std::string path = directory + "/" + name;
  const Result<LogScan> scan = CheckLog(file_system, path);
  if (scan.ok()) {
    // RocksDB takes a torn end for damage here unless it is cut off at a record.
    if (scan->torn) RETURN_IF_ERROR(file_system->Truncate(path, scan->valid_bytes));
    ASSIGN_OR_RETURN(const std::string bytes, file_system->ReadFile(path));
    return MinWalNumber(bytes);
  }
  if (scan.status().code() != StatusCode::kNotFound) return scan.status();
  return DataLossError(directory + "/CURRENT names " + name + ", which does not exist");
}

// The numbers of the WAL files of `directory`, ascending: RocksDB replays them in this order.
Result<std::vector<uint64_t>> WalNumbers(FileSystem* file_system, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec == std::errc() && std::string_view(parsed.ptr) == ".log") {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string WalPath(const std::string& directory, uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return directory + "/" + digits + ".log";
}

// Where one WAL ends torn, the next one must go on with the sequence number that follows its last
// batch. If it does not, what is missing was complete once, and RocksDB would drop all that
// follows.
Status CheckWals(FileSystem* file_system, const std::string& directory, uint64_t min_number) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, WalNumbers(file_system, directory));
  if (numbers.empty()) {
    // RocksDB always has one once it is created. Without it the catalog's last commits are gone,
    // and the parts they named would be taken for leftovers.
    ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
    for (const std::string& name : names) {
      if (name.ends_with(".sst")) {
        return DataLossError(directory + " holds " + name + " but no WAL: it was removed");
      }
    }
  }
  LogScan before;
  std::string path_before;
  for (const uint64_t number : numbers) {
    // What a crash tore may stand there for a while after a flush has made it superfluous.
    if (number < min_number) continue;
    const std::string path = WalPath(directory, number);
    ASSIGN_OR_RETURN(const LogScan scan, CheckLog(file_system, path));
    if (scan.first_sequence == 0 && !scan.torn) continue;  // empty
    if (before.torn && scan.first_sequence != 0 && before.next_sequence != 0 &&
        scan.first_sequence != before.next_sequence) {
      return DataLossError(path_before + " is damaged at byte " +
                           std::to_string(before.valid_bytes) + ": " + path +
                           " goes on with sequence number " + std::to_string(scan.first_sequence) +
                           " instead of " + std::to_string(before.next_sequence));
    }
    before = scan;
    path_before = path;
  }
  return OkStatus();
}

}  // namespace

LogScan ScanLog(std::string_view bytes) {
  LogScan scan;
  SkipValid(bytes, &scan);
  scan.torn = scan.valid_bytes < bytes.size();
  if (scan.torn && scan.first_sequence == 0) {
    ByteReader reader(bytes.substr(std::min(scan.valid_bytes + kHeaderBytes, bytes.size())));
    scan.next_sequence = reader.Fixed<uint64_t>();
  }
  for (size_t offset = scan.valid_bytes + 1; offset < bytes.size(); ++offset) {
    if (RecordBytesAt(bytes, offset) == 0) continue;
    scan.damaged = !HasZeroSector(bytes, scan.valid_bytes, offset);
    break;
  }
  return scan;
}

void VisitLogRecords(std::string_view bytes, const std::function<void(std::string_view)>& visit) {
  std::string fragments;
  for (size_t offset = 0; offset < bytes.size();) {
    const size_t block_rest = kBlockBytes - offset % kBlockBytes;
    if (block_rest < kHeaderBytes) {
      offset = std::min(offset + block_rest, bytes.size());
      continue;
    }
    const size_t record = RecordBytesAt(bytes, offset);
    if (record == 0) return;
    const auto type = static_cast<uint8_t>(bytes[offset + 6]);
    if (type == kFullType || type == kFirstType) fragments.clear();
    fragments.append(bytes.substr(offset + kHeaderBytes, record - kHeaderBytes));
    if (type == kFullType || type == kLastType) visit(fragments);
    offset += record;
  }
}

Status CheckLogs(FileSystem* file_system, const std::string& directory) {
  ASSIGN_OR_RETURN(const bool exists, file_system->Exists(directory + "/CURRENT"));
  if (!exists) return OkStatus();
  ASSIGN_OR_RETURN(const uint64_t min_wal_number, CheckManifest(file_system, directory));
  return CheckWals(file_system, directory, min_wal_number);
}

}  // namespace varve::kv
