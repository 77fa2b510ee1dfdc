// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "lamella/tracking/run_record.h"

#ifndef LAMELLA_GIT_COMMIT
#define LAMELLA_GIT_COMMIT "unknown"
#endif

namespace lamella::tracking {

namespace {

// Instruction sets that change how fast, or in which precision, a network runs.
constexpr std::array kFeatures = {"sse4_2",      "avx2",     "avx512f", "avx512_vnni",
                                  "avx512_bf16", "amx_bf16", "amx_int8"};

nlohmann::json describe_processor() {
  nlohmann::json processor = {{"model", "unknown"}, {"features", nlohmann::json::array()}};
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(std::min(line.size(), colon + 2));
    if (line.starts_with("model name")) processor["model"] = value;
    if (line.starts_with("flags")) {
      std::istringstream words(value);
      const std::set<std::string> flags{std::istream_iterator<std::string>(words), {}};
      for (const char* feature : kFeatures) {
        if (flags.contains(feature)) processor["features"].push_back(feature);
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

}  // namespace

nlohmann::json describe_software(const nlohmann::json& libraries) {
  return {{"lamella", LAMELLA_VERSION},
          {"git_commit", LAMELLA_GIT_COMMIT},
          {"libraries", libraries},
          {"processor", describe_processor()},
          {"system", describe_system()}};
}

}  // namespace lamella::tracking
