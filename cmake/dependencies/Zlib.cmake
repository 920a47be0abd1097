find_package(ZLIB REQUIRED)
