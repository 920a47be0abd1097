# The installable library: one archive, varve::varve, made of the folders' objects.
include(CMakePackageConfigHelpers)

set(VARVE_FOLDERS varve_query varve_engine varve_compaction varve_index varve_storage varve_base)
add_library(varve STATIC)
add_library(varve::varve ALIAS varve)
foreach(folder ${VARVE_FOLDERS})
  target_sources(varve PRIVATE $<TARGET_OBJECTS:${folder}>)
endforeach()
set_target_properties(varve PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(varve PUBLIC cxx_std_20)
target_include_directories(varve PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(varve PRIVATE
  RocksDB::rocksdb-shared zstd::libzstd_shared roaring::roaring $<BUILD_INTERFACE:PkgConfig::xxhash>
  $<BUILD_INTERFACE:PkgConfig::re2> $<INSTALL_INTERFACE:xxhash> $<INSTALL_INTERFACE:re2>
  Threads::Threads)
if(VARVE_SANITIZE)
  target_link_options(varve PUBLIC -fsanitize=${VARVE_SANITIZE})
endif()

install(TARGETS varve EXPORT varve-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/varve DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT varve-targets NAMESPACE varve:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/varve)
configure_package_config_file(cmake/varve-config.cmake.in ${CMAKE_BINARY_DIR}/varve-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/varve)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/varve-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/varve-config.cmake ${CMAKE_BINARY_DIR}/varve-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/varve)
