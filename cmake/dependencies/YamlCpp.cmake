find_package(yaml-cpp REQUIRED)  # yaml-cpp
