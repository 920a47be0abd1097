# varve_library(NAME DEPS ...) - the static library of one folder.
# Every source below the folder belongs to it; DEPS are the folders and packages it may include
# (PRIVATE, except that static archives still carry their link requirements to the final program).
include(GNUInstallDirs)

add_library(varve_flags INTERFACE)
target_compile_features(varve_flags INTERFACE cxx_std_20)
target_compile_options(varve_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wunused-result>)
if(VARVE_WERROR)
  target_compile_options(varve_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(varve_flags INTERFACE -Wthread-safety)
endif()
if(VARVE_SANITIZE)
  target_compile_options(varve_flags INTERFACE -fsanitize=${VARVE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  # g++ 12 sees uninitialised reads in instrumented std::variant that are none.
  target_compile_options(varve_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(varve_flags INTERFACE -fsanitize=${VARVE_SANITIZE})
endif()
if(VARVE_BUILD_FUZZERS)
  target_compile_options(varve_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_include_directories(varve_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)

function(varve_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(varve_${name} STATIC ${sources})
  target_link_libraries(varve_${name} PRIVATE varve_flags ${ARG_DEPS})
endfunction()
