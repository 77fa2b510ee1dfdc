# SPDX-License-Identifier: Apache-2.0
# Every library lamella uses. Debian's -dev packages, except OpenVINO, which lies in the
# project's own Python environment (.venv) as a wheel with headers, CMake files and libraries.
include_guard(GLOBAL)

find_package(Threads REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(TIFF REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(EXPAT REQUIRED)
find_package(LibArchive REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(pugixml REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(PkgConfig REQUIRED)
if(LAMELLA_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(LAMELLA_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

# A wheel takes of libarchive the part that it uses, where it is there as a static library: the whole
# needs a later glibc than all the rest, and brings libxml2 and ICU's 31 MB of tables along.
add_library(lamella_archive INTERFACE)
add_library(lamella::archive ALIAS lamella_archive)
if(SKBUILD)
  find_library(LAMELLA_static_archive libarchive.a)
endif()
if(LAMELLA_static_archive)
  target_include_directories(lamella_archive SYSTEM INTERFACE ${LibArchive_INCLUDE_DIRS})
  target_link_libraries(lamella_archive INTERFACE ${LAMELLA_static_archive})
  # What the rest of it refers to, compressors of other libraries' among it, goes with the rest.
  target_link_options(lamella_archive INTERFACE -Wl,--gc-sections -Wl,--copy-dt-needed-entries
                                                -Wl,--exclude-libs,libarchive.a)
else()
  target_link_libraries(lamella_archive INTERFACE LibArchive::LibArchive)
endif()

pkg_check_modules(OPENJPEG REQUIRED IMPORTED_TARGET libopenjp2)
add_library(lamella::openjpeg ALIAS PkgConfig::OPENJPEG)

pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
add_library(lamella::webp ALIAS PkgConfig::WEBP)

pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
add_library(lamella::zstd ALIAS PkgConfig::ZSTD)

pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial)
add_library(lamella::hdf5 ALIAS PkgConfig::HDF5)

# lamella_find(name HEADER header [PATHS dir...] LIBRARIES lib...): packages without CMake files.
function(lamella_find name)
  cmake_parse_arguments(ARG "" "HEADER" "SUFFIXES;LIBRARIES" ${ARGN})
  add_library(lamella_${name} INTERFACE)
  find_path(LAMELLA_${name}_INCLUDE ${ARG_HEADER} PATH_SUFFIXES ${ARG_SUFFIXES} REQUIRED)
  target_include_directories(lamella_${name} SYSTEM INTERFACE ${LAMELLA_${name}_INCLUDE})
  foreach(library ${ARG_LIBRARIES})
    find_library(LAMELLA_${name}_${library} ${library} REQUIRED)
    target_link_libraries(lamella_${name} INTERFACE ${LAMELLA_${name}_${library}})
  endforeach()
  add_library(lamella::${name} ALIAS lamella_${name})
endfunction()

lamella_find(geos HEADER geos_c.h LIBRARIES geos_c)
lamella_find(lbfgs HEADER lbfgs.h LIBRARIES lbfgs)

set(LAMELLA_VENV "${CMAKE_SOURCE_DIR}/.venv" CACHE PATH "Python environment with the wheels")
file(GLOB openvino_folders "${LAMELLA_VENV}/lib/python3*/site-packages/openvino/cmake")
if(SKBUILD)
  # A wheel is built in an environment of its own, which has one too.
  find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c "import openvino, os; print(os.path.dirname(openvino.__file__))"
    OUTPUT_VARIABLE openvino_package OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(openvino_folders "${openvino_package}/cmake")
endif()
find_package(OpenVINO REQUIRED COMPONENTS Runtime PATHS ${openvino_folders} NO_DEFAULT_PATH)

option(LAMELLA_OLDER_SYSTEMS "Link for systems older than this one (x86-64, GNU), as wheels are" OFF)
if(LAMELLA_OLDER_SYSTEMS)
  # Of OpenCV's archives the linker takes what is used; the shared libraries need GCC 12's libstdc++.
  lamella_find(opencv HEADER opencv2/core.hpp SUFFIXES opencv4
               LIBRARIES libopencv_imgproc.a libopencv_core.a)
  list(GET openvino_folders 0 openvino_folder)
  target_link_libraries(lamella_opencv INTERFACE "${openvino_folder}/../libs/libtbb.so.12"
                                                 ZLIB::ZLIB ${CMAKE_DL_LIBS})
  target_link_options(lamella_opencv INTERFACE -Wl,--gc-sections
                      -Wl,--exclude-libs,libopencv_imgproc.a:libopencv_core.a)
else()
  lamella_find(opencv HEADER opencv2/core.hpp SUFFIXES opencv4
               LIBRARIES opencv_core opencv_imgproc)
endif()

# A program or module that goes into a wheel; nothing in other builds.
function(lamella_for_older_systems target)
  if(LAMELLA_OLDER_SYSTEMS)
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/cmake/older_symbols.cpp"
                                     "${CMAKE_SOURCE_DIR}/cmake/static_opencv.cpp")
    target_link_options(
      ${target} PRIVATE -Wl,--wrap=hypot
      -Wl,--wrap=_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE)
  endif()
endfunction()
