// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/run_record.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <random>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/io/locked_file.h"
#include "lamella/record/run_json.h"

namespace lamella::record {

namespace {

using std::chrono::system_clock;

constexpr std::chrono::seconds kLeastRest{2};
constexpr int kRestPerWriting = 20;

std::tm utc_now() { return fmt::gmtime(system_clock::to_time_t(system_clock::now())); }

std::string time_text() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc_now()); }

int64_t time_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

std::string make_run_id() {
  return fmt::format("{:%Y%m%d-%H%M%S}-{:06x}", utc_now(), std::random_device{}() & 0xffffff);
}

}  // namespace

RunRecord::RunRecord(const std::string& runs_folder, const std::string& name) {
  std::string run_id = make_run_id();
  while (io::exists(runs_folder + "/" + run_id)) run_id = make_run_id();
  folder_ = runs_folder + "/" + run_id;
  io::make_folders(folder_);
  hold_lock();
  document_.run_id = std::move(run_id);
  document_.name = name;
  document_.start_time = time_text();
  document_.start_time_ms = time_ms();
  write();
}

RunRecord::~RunRecord() {
  if (document_.status == Status::kRunning) {
    try {
      finish(Status::kFailed);
    } catch (const Error&) {
      // The disk is gone; a reader sees that nobody holds the lock.
    }
  }
  if (lock_ >= 0) ::close(lock_);
}

void RunRecord::hold_lock() {
  const io::LockedFile lock = io::open_locked(folder_ + "/lock");
  lock_ = lock.descriptor;
  // A file system without locks: without the file nobody takes this run for dead.
  if (lock.state != io::LockedFile::State::kMine) drop_lock();
}

void RunRecord::drop_lock() {
  if (folder_.empty()) return;
  ::unlink((folder_ + "/lock").c_str());
  if (lock_ >= 0) ::close(lock_);
  lock_ = -1;
}

void RunRecord::add_warning(const std::string& warning) {
  document_.warnings.push_back(warning);
  log("warning: " + warning);
  if (!resting()) write();
}

void RunRecord::measure(const std::string& key, double value, int64_t step) {
  if (!std::isfinite(value)) return;
  document_.history.push_back({key, value, step, time_ms()});
}

void RunRecord::log(std::string_view message) {
  if (folder_.empty()) return;
  const std::string line = without_credentials(fmt::format("{} {}\n", time_text(), message));
  const std::string path = folder_ + "/log.txt";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool written =
      file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!written) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error)), path);
  }
}

void RunRecord::finish(Status status) {
  document_.status = status;
  document_.end_time = time_text();
  document_.end_time_ms = time_ms();
  log(fmt::format("run {}", to_string(status)));
  write();
  drop_lock();
}

void RunRecord::write() {
  if (folder_.empty()) return;
  const auto start = Clock::now();
  const nlohmann::ordered_json json = document_;
  // Paths and file names need not be UTF-8; the record must be.
  io::write_file_atomic(
      folder_ + "/run.json",
      without_credentials(json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace)) +
          "\n");
  const auto end = Clock::now();
  rest_until_ = end + std::max<Clock::duration>(kLeastRest, kRestPerWriting * (end - start));
}

}  // namespace lamella::record
