find_package(benchmark REQUIRED)  # benchmark::benchmark
