find_package(simdjson REQUIRED)  # simdjson::simdjson
