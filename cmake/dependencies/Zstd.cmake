find_package(zstd REQUIRED)  # zstd::libzstd_shared
