// SstPartWriter: writes the files of one new part, one SST file per family that gets a key.
#pragma once

#include <rocksdb/sst_file_writer.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/kv/rocksdb_handle.h"
#include "storage/kv/store.h"
#include "storage/kv/stored_part.h"

namespace varve::kv {

// "ingest-<part id>-<family>.sst": a file that is being written or waits for its ingestion.
bool IsIngestFile(std::string_view name);

// Thread safety: none.
class SstPartWriter final : public PartWriter {
 public:
  // `handle` must outlive it.
  SstPartWriter(const RocksDbHandle* handle, uint64_t part_id, Compression compression);
  // Removes what is left of its files.
  ~SstPartWriter() override;

  uint64_t part_id() const override { return part_id_; }
  Status Add(Family family, std::string_view key, std::string_view value) override;
  uint64_t bytes_added() const override { return bytes_added_; }

  // Completes and syncs the files and hands them to the database, all or none.
  // REQUIRES: called once, as the last call.
  Status Ingest(std::vector<format::PartFile>* files, LargestKeys* largest_keys);

 private:
  Status CheckIngested(Family family, const std::string& largest_key) const;
  struct File {
    std::string path;
    std::unique_ptr<rocksdb::SstFileWriter> writer;
  };
  Result<File*> FileOf(Family family);

  const RocksDbHandle* const handle_;
  const uint64_t part_id_;
  const Compression compression_;
  std::map<Family, File> files_;
  std::string key_;  // the part's prefix, then the key being added
  uint64_t bytes_added_ = 0;
};

}  // namespace varve::kv
