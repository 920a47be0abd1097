#include "storage/kv/sst_part_writer.h"

#include <utility>

#include "base/status_macros.h"
#include "storage/kv/file_checksum.h"
#include "storage/kv/part_keys.h"
#include "storage/kv/status_translation.h"

namespace varve::kv {
namespace {

constexpr std::string_view kIngestPrefix = "ingest-";
constexpr std::string_view kIngestSuffix = ".sst";

rocksdb::IngestExternalFileOptions IngestOptions() {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.failed_move_fall_back_to_copy = true;
  // Every option below holds because no key of a new part can be in the database yet: no snapshot
  // sees it, no memtable has it, nothing overlaps it, so its files keep their bytes (no sequence
  // number is written into them) and lie in the last level, where DeleteFilesInRanges finds them.
  options.snapshot_consistency = false;
  options.allow_global_seqno = false;
  options.allow_blocking_flush = false;
  options.write_global_seqno = false;
  options.fail_if_not_bottommost_level = true;
  options.verify_file_checksum = false;
  return options;
}

}  // namespace

bool IsIngestFile(std::string_view name) {
  return name.starts_with(kIngestPrefix) && name.ends_with(kIngestSuffix);
}

SstPartWriter::SstPartWriter(const RocksDbHandle* handle, uint64_t part_id, Compression compression)
    : handle_(handle), part_id_(part_id), compression_(compression), key_(PartPrefix(part_id)) {}

SstPartWriter::~SstPartWriter() {
  for (auto& [family, file] : files_) {
    file.writer.reset();  // closes
    // Gone already when it was ingested; otherwise the next open tries again.
    static_cast<void>(handle_->file_system()->Remove(file.path));
  }
}

Result<SstPartWriter::File*> SstPartWriter::FileOf(Family family) {
  const auto found = files_.find(family);
  if (found != files_.end()) return &found->second;
  File file;
  file.path = handle_->directory() + "/" + std::string(kIngestPrefix) + std::to_string(part_id_) +
              "-" + FamilyName(family) + std::string(kIngestSuffix);
  const FamilyIndex index = IndexOf(family);
  rocksdb::Options options(handle_->setup().db, FamilyOptions(index, handle_->setup()));
  if (compression_ == Compression::kSmall) options.compression_opts.level = kZstdLevelSmall;
  options.file_checksum_gen_factory = MakeXxh3ChecksumFactory();
  file.writer = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options,
                                                         handle_->family(index), false);
  const rocksdb::Status status = file.writer->Open(file.path);
  if (!status.ok()) return FromRocks(status, "create " + file.path);
  return &files_.emplace(family, std::move(file)).first->second;
}

Status SstPartWriter::Add(Family family, std::string_view key, std::string_view value) {
  ASSIGN_OR_RETURN(File * file, FileOf(family));
  key_.resize(kPartIdBytes);
  key_.append(key);
  const rocksdb::Status status =
      file->writer->Put(key_, rocksdb::Slice(value.data(), value.size()));
  if (!status.ok()) {
    return FromRocks(status, "add key 0x" + rocksdb::Slice(key.data(), key.size()).ToString(true) +
                                 " to " + file->path);
  }
  bytes_added_ += key.size() + value.size();
  return OkStatus();
}

Status SstPartWriter::Ingest(std::vector<format::PartFile>* files, LargestKeys* largest_keys) {
  std::vector<rocksdb::IngestExternalFileArg> arguments;
  for (auto& [family, file] : files_) {
    rocksdb::ExternalSstFileInfo info;
    const rocksdb::Status status = file.writer->Finish(&info);
    if (!status.ok()) return FromRocks(status, "finish " + file.path);
    files->push_back(
        {static_cast<uint8_t>(family), info.file_size, ChecksumOf(info.file_checksum)});
    largest_keys->emplace(family, info.largest_key);
    rocksdb::IngestExternalFileArg argument;
    argument.column_family = handle_->family(IndexOf(family));
    argument.external_files = {file.path};
    argument.options = IngestOptions();
    arguments.push_back(std::move(argument));
  }
  if (arguments.empty()) return OkStatus();
  RETURN_IF_ERROR(FromRocks(handle_->db()->IngestExternalFiles(arguments),
                            "ingest part " + std::to_string(part_id_)));
  for (const auto& [family, largest_key] : *largest_keys) {
    RETURN_IF_ERROR(CheckIngested(family, largest_key));
  }
  return OkStatus();
}

// RocksDB 7.8 takes a file whose bounds it could not read for one with other bounds, and reports
// success. The file stays invisible, since no entry names its part, and goes at the next open.
Status SstPartWriter::CheckIngested(Family family, const std::string& largest_key) const {
  rocksdb::ColumnFamilyMetaData metadata;
  handle_->db()->GetColumnFamilyMetaData(handle_->family(IndexOf(family)), &metadata);
  for (const auto& level : metadata.levels) {
    for (const auto& file : level.files) {
      if (file.largestkey == largest_key && file.smallestkey.starts_with(PartPrefix(part_id_))) {
        return OkStatus();
      }
    }
  }
  return IoError("ingest part " + std::to_string(part_id_) + ", family " + FamilyName(family) +
                 ": the key bounds on record are not the file's");
}

}  // namespace varve::kv
