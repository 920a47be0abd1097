find_package(roaring REQUIRED)  # roaring::roaring
