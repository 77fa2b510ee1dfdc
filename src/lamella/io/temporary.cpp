// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/temporary.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <regex>

#include "lamella/base/hash.h"
#include "lamella/base/process.h"
#include "lamella/base/text.h"

namespace lamella::io {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::hours kOtherMachines{24};

// Host names may hold what file names should not.
const std::string& host_tag() {
  static const std::string tag = sha256_hex(host_name()).substr(0, 8);
  return tag;
}

bool is_left(const fs::directory_entry& entry) {
  static const std::regex kName(R"(.*\.([0-9a-f]{8})-(\d{1,10})-(\d{1,18})-\d+\.tmp)");
  const std::string name = entry.path().filename().string();
  std::smatch parts;
  if (!std::regex_match(name, parts, kName)) return false;
  if (parts[1] != host_tag()) {
    std::error_code error;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(error);
    return !error && age > kOtherMachines;
  }
  const auto pid = parse_int(parts[2].str()), start = parse_int(parts[3].str());
  return pid && start && process_start(*pid).value_or(-1) != *start;
}

template <typename Iterator>
void remove_in(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> left;
  for (Iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error)) {
    if (is_left(*it)) left.push_back(it->path());
  }
  for (const fs::path& path : left) fs::remove_all(path, error);
}

}  // namespace

std::string temporary_name(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  // Looked up once, since every file that is written has such a name; and again after a fork, when
  // the number is another process's, and so is the start.
  thread_local int64_t known_pid = -1, start = 0;
  const auto pid = static_cast<int64_t>(::getpid());
  if (pid != known_pid) {
    start = process_start(pid).value_or(0);
    known_pid = pid;
  }
  return fmt::format("{}.{}-{}-{}-{}.tmp", path, host_tag(), pid, start, counter++);
}

void remove_left_temporaries(const std::string& folder, bool recursive) {
  if (recursive) {
    remove_in<fs::recursive_directory_iterator>(folder);
  } else {
    remove_in<fs::directory_iterator>(folder);
  }
}

}  // namespace lamella::io
