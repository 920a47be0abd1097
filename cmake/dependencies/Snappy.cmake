find_package(Snappy REQUIRED)  # Snappy::snappy
