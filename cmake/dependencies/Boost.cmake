# Asio and Beast, header only; 1.81 or newer.
find_package(Boost 1.81 REQUIRED)
