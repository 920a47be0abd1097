find_package(RocksDB REQUIRED)  # RocksDB::rocksdb-shared
