find_package(zstd CONFIG REQUIRED)  # zstd::libzstd_shared
