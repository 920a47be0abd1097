find_package(GTest REQUIRED)  # GTest::gtest, GTest::gmock
