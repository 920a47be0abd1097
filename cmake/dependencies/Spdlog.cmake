find_package(spdlog REQUIRED)  # spdlog::spdlog
