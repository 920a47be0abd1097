# Header only.
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
