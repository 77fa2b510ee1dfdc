# SPDX-License-Identifier: Apache-2.0
include_guard(GLOBAL)

# add_room(NAME [DEPENDS room...] [LIBRARIES target...])
#
# A room is a folder src/lamella/NAME: every *.cpp there and one folder below goes into the library
# lamella_NAME, except *_test.cpp (one test program for the room),
# *_benchmark.cpp (one benchmark program), *_fuzz.cpp (a libFuzzer program each) and
# main.cpp. The library links the rooms of DEPENDS and nothing else of ours, so an arrow
# that the diagram lacks does not link.
function(add_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp" "${folder}/*/*.cpp")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(benchmarks ${sources})
  list(FILTER benchmarks INCLUDE REGEX "_benchmark\\.cpp$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_test|_benchmark|_fuzz|/main)\\.cpp$")

  list(TRANSFORM ROOM_DEPENDS PREPEND lamella_ OUTPUT_VARIABLE rooms)
  if(sources)
    set(scope PUBLIC)
    add_library(lamella_${name} STATIC ${sources})
  else()
    set(scope INTERFACE)
    add_library(lamella_${name} INTERFACE)
  endif()
  target_include_directories(lamella_${name} ${scope} "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(lamella_${name} ${scope} ${rooms} ${ROOM_LIBRARIES} lamella::options)

  if(LAMELLA_TESTS AND tests)
    add_executable(lamella_${name}_test ${tests})
    target_link_libraries(lamella_${name}_test PRIVATE lamella_${name} GTest::gtest_main)
    if(NOT name MATCHES "^(base|io)$") # what they use of it are headers alone
      target_link_libraries(lamella_${name}_test PRIVATE lamella_testing)
    endif()
    target_compile_definitions(
      lamella_${name}_test PRIVATE LAMELLA_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    lamella_sanitized_program(lamella_${name}_test)
    gtest_discover_tests(
      lamella_${name}_test TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
      PROPERTIES ENVIRONMENT "${LAMELLA_TEST_ENVIRONMENT}")
  endif()
  if(LAMELLA_BENCHMARKS AND benchmarks)
    add_executable(lamella_${name}_benchmark ${benchmarks})
    target_link_libraries(
      lamella_${name}_benchmark PRIVATE lamella_${name} benchmark::benchmark_main)
  endif()
  if(LAMELLA_FUZZERS)
    foreach(fuzzer ${fuzzers})
      get_filename_component(program "${fuzzer}" NAME_WE)
      add_executable(${program} ${fuzzer})
      target_link_libraries(${program} PRIVATE lamella_${name})
      target_link_options(${program} PRIVATE -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY LAMELLA_FUZZERS ${program})
    endforeach()
  endif()
endfunction()
