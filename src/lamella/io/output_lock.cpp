// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/output_lock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>

#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/base/text.h"
#include "lamella/io/address.h"
#include "lamella/io/files.h"
#include "lamella/io/locked_file.h"

namespace lamella::io {

namespace {

// One line each, in this order.
struct Holder {
  std::string host, pid, start, since, command;

  std::string text() const {
    return fmt::format("{}\n{}\n{}\n{}\n{}\n", host, pid, start, since, command);
  }
  bool known() const { return !host.empty() && parse_int(pid).has_value(); }
  bool here() const { return host == host_name(); }
  bool alive_here() const {
    return process_start(parse_int(pid).value_or(-1)).value_or(-1) == parse_int(start);
  }
  std::string who() const {
    return known() ? fmt::format("process {} on {}, since {} ({})", pid, host, since, command)
                   : "another process";
  }
};

Holder this_process(const std::string& command) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto pid = static_cast<int64_t>(::getpid());
  std::string line = command;
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return {host_name(), std::to_string(pid), std::to_string(process_start(pid).value_or(0)),
          fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now)), line};
}

Holder read_holder(int file) {
  std::array<char, 1 << 16> bytes{};
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), 0);
  std::istringstream lines(std::string(bytes.data(), got > 0 ? static_cast<size_t>(got) : 0));
  Holder holder;
  for (std::string* line :
       {&holder.host, &holder.pid, &holder.start, &holder.since, &holder.command}) {
    std::getline(lines, *line);
  }
  return holder;
}

[[noreturn]] void fail_held(const Holder& holder, const std::string& path,
                            const std::string& output) {
  const bool unsure = holder.known() && !holder.here();
  throw Error(
      ErrorCode::kIo,
      fmt::format("{} is writing here; wait for it, stop it, or choose another output{}",
                  holder.who(), unsure ? fmt::format(" (if it is gone, remove {})", path) : ""),
      output);
}

}  // namespace

OutputLock::OutputLock(std::string path, const std::string& output, const std::string& command,
                       const std::function<void(const std::string&)>& warn)
    : path_(std::move(path)) {
  require_path(output, "outputs");
  make_folders(parent_folder(path_));
  const LockedFile file = open_locked(path_);
  file_ = file.descriptor;
  const Holder holder = read_holder(file_);
  const bool looked_for = file.state == LockedFile::State::kNoLocks && holder.known();
  if (file.state == LockedFile::State::kHeld ||
      (looked_for && (!holder.here() || holder.alive_here()))) {
    ::close(file_);
    fail_held(holder, path_, output);
  }
  if (holder.known() && !holder.here() && warn) {
    warn(
        fmt::format("{}: a lock of {} was left here, and nobody holds it; if that machine is "
                    "still writing, stop this run",
                    path_, holder.who()));
  }
  const std::string text = this_process(command).text();
  const ssize_t wrote =
      ::ftruncate(file_, 0) == 0 ? ::pwrite(file_, text.data(), text.size(), 0) : -1;
  if (wrote != static_cast<ssize_t>(text.size())) {
    const int error = wrote < 0 ? errno : ENOSPC;  // a part was written: there was room for no more
    ::unlink(path_.c_str());
    ::close(file_);
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error)), path_);
  }
}

OutputLock::~OutputLock() {
  ::unlink(path_.c_str());
  ::close(file_);
}

}  // namespace lamella::io
