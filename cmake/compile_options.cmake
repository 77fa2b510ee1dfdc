# SPDX-License-Identifier: Apache-2.0
include_guard(GLOBAL)

add_library(lamella_options INTERFACE)
add_library(lamella::options ALIAS lamella_options)
target_compile_options(
  lamella_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                            -Woverloaded-virtual)
# One instruction set for every x86-64 build, so that results do not depend on the builder.
# No fused multiply-add is formed behind our back, on any processor.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(lamella_options INTERFACE -march=x86-64-v2)
endif()
target_compile_options(lamella_options INTERFACE -ffp-contract=off)
target_compile_definitions(lamella_options INTERFACE LAMELLA_VERSION="${PROJECT_VERSION}")

set(LAMELLA_TEST_ENVIRONMENT "")
if(LAMELLA_SANITIZE)
  # Third-party libraries are uninstrumented; what they need is listed in tools/checks/*.supp.
  add_compile_options(-fsanitize=${LAMELLA_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${LAMELLA_SANITIZE})
  if(LAMELLA_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
  if(LAMELLA_SANITIZE MATCHES "thread")
    list(APPEND LAMELLA_TEST_ENVIRONMENT
         "TSAN_OPTIONS=halt_on_error=1 die_after_fork=0 suppressions=${CMAKE_SOURCE_DIR}/tools/checks/tsan.supp")
  else()
    add_compile_options(-fno-sanitize-recover=all)
    list(APPEND LAMELLA_TEST_ENVIRONMENT
         "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1"
         "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tools/checks/lsan.supp"
         "UBSAN_OPTIONS=print_stacktrace=1")
  endif()
endif()

# A program of a sanitizer build; nothing in other builds.
function(lamella_sanitized_program target)
  if(LAMELLA_SANITIZE)
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/cmake/sanitizer_dlopen.cpp")
    target_link_options(${target} PRIVATE -rdynamic)
  endif()
endfunction()

find_program(LAMELLA_CCACHE ccache)
if(LAMELLA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LAMELLA_CCACHE})
endif()
