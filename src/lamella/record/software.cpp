// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/software.h"

#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#ifndef LAMELLA_GIT_COMMIT
#define LAMELLA_GIT_COMMIT "unknown"
#endif
// "name version" of the libraries found at build time, each ended by "|".
#ifndef LAMELLA_BUILT_WITH
#define LAMELLA_BUILT_WITH ""
#endif

namespace lamella::record {

namespace {

// Instruction sets that change how fast, or in which precision, a network runs.
constexpr std::array kFeatures = {"sse4_2",      "avx",         "avx2",     "fma",      "f16c",
                                  "avx512f",     "avx512bw",    "avx512dq", "avx512vl", "avx_vnni",
                                  "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"};

Processor describe_processor() {
  Processor processor{"unknown", {}};
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(std::min(line.size(), colon + 2));
    if (line.starts_with("model name")) processor.model = value;
    if (line.starts_with("flags")) {
      std::istringstream words(value);
      const std::set<std::string> flags{std::istream_iterator<std::string>(words), {}};
      for (const char* feature : kFeatures) {
        if (flags.contains(feature)) processor.features.emplace_back(feature);
      }
      break;
    }
  }
  return processor;
}

std::string describe_system() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::map<std::string, std::string> built_with() {
  std::map<std::string, std::string> libraries = {{"compiler", __VERSION__}};
  std::istringstream items(LAMELLA_BUILT_WITH);
  for (std::string item; std::getline(items, item, '|');) {
    const size_t space = item.find(' ');
    if (space != std::string::npos) libraries[item.substr(0, space)] = item.substr(space + 1);
  }
  return libraries;
}

}  // namespace

Caller describe_caller() {
  Caller caller;
  const passwd* entry = ::getpwuid(::geteuid());
  const char* name = std::getenv("USER");
  if (entry && entry->pw_name) {
    caller.user = entry->pw_name;
  } else if (name) {
    caller.user = name;
  }
  utsname system{};
  if (::uname(&system) == 0) caller.host = system.nodename;
  std::error_code error;
  caller.folder = std::filesystem::current_path(error).string();
  return caller;
}

Software describe_software(const std::map<std::string, std::string>& libraries) {
  Software software;
  software.lamella = LAMELLA_VERSION;
  software.git_commit = LAMELLA_GIT_COMMIT;
  software.system = describe_system();
  software.libraries = libraries;
  software.built_with = built_with();
  software.processor = describe_processor();
  return software;
}

}  // namespace lamella::record
