# Installs the build into a prefix of its own, then builds two programs by find_package against what
# lies there and runs them; one is README's C++ example. REQUIRES: everything is built.
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD_DIRECTORY}/install-test)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})

# run(COMMAND...): ends the test when it fails, with its output.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${code}:\n${out}")
  endif()
endfunction()

# README's one ```cpp block, as a whole program.
function(extract_example path)
  file(READ ${README} readme)
  string(REGEX MATCHALL "```cpp\n" blocks "${readme}")
  list(LENGTH blocks count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "README.md has ${count} C++ examples instead of one")
  endif()
  string(FIND "${readme}" "```cpp\n" begin)
  math(EXPR begin "${begin} + 7")
  string(SUBSTRING "${readme}" ${begin} -1 example)
  string(FIND "${example}" "```" end)
  string(SUBSTRING "${example}" 0 ${end} example)
  file(WRITE ${path} "${example}")
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${prefix})

file(COPY ${CMAKE_CURRENT_LIST_DIR}/consumer DESTINATION ${work})
extract_example(${work}/consumer/readme_example.cc)
run(${CMAKE_COMMAND} -S ${work}/consumer -B ${work}/build -G ${GENERATOR}
    -D CMAKE_CXX_COMPILER=${CXX_COMPILER} -D CMAKE_PREFIX_PATH=${prefix}
    -D VARVE_VERSION=${VERSION} -D CMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${work}/build)
foreach(program consumer readme_example)
  file(MAKE_DIRECTORY ${work}/${program})
  execute_process(COMMAND ${work}/build/${program} WORKING_DIRECTORY ${work}/${program}
                  RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  message("${program}:\n${out}")
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${program} ended with ${code}")
  endif()
  set(${program}_output "${out}")
endforeach()

# README shows what its example prints, in a comment on the line that prints.
file(READ ${work}/consumer/readme_example.cc example)
if(NOT example MATCHES "std::cout [^\n]*// ([^\n]*)\n")
  message(FATAL_ERROR "README's example does not say what it prints")
endif()
string(STRIP "${readme_example_output}" printed)
if(NOT printed STREQUAL CMAKE_MATCH_1)
  message(FATAL_ERROR "README's example prints '${printed}' instead of '${CMAKE_MATCH_1}'")
endif()
