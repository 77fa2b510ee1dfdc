// SPDX-License-Identifier: Apache-2.0
#include "lamella/tracking/run_record.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/io/files.h"

namespace lamella::tracking {

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

RunRecord::RunRecord(const std::string& runs_folder, const std::string& name)
    : run_id_(make_run_id()) {
  while (io::exists(runs_folder + "/" + run_id_)) run_id_ = make_run_id();
  folder_ = runs_folder + "/" + run_id_;
  io::make_folders(folder_);
  hold_lock();
  document_["format"] = kRecordFormat;
  document_["run_id"] = run_id_;
  document_["name"] = name;
  document_["status"] = "RUNNING";
  document_["start_time"] = time_text();
  document_["start_time_ms"] = time_ms();
  document_["warnings"] = nlohmann::json::array();
  write();
}

RunRecord::~RunRecord() {
  if (document_["status"] == "RUNNING") {
    try {
      finish("FAILED");
    } catch (const Error&) {
      // The disk is gone; a reader sees that nobody holds the lock.
    }
  }
  if (lock_ >= 0) ::close(lock_);
}

void RunRecord::hold_lock() {
  const std::string path = folder_ + "/lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  // A file system without locks: without the file nobody takes this run for dead.
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0) drop_lock();
}

void RunRecord::drop_lock() {
  if (folder_.empty()) return;
  ::unlink((folder_ + "/lock").c_str());
  if (lock_ >= 0) ::close(lock_);
  lock_ = -1;
}

void RunRecord::set(const std::string& key, nlohmann::json value) {
  document_[key] = std::move(value);
  write();
}

void RunRecord::add_warning(const std::string& warning) {
  document_["warnings"].push_back(warning);
  log("warning: " + warning);
  if (!resting()) write();
}

void RunRecord::measure(const std::string& key, double value, int64_t step) {
  if (!std::isfinite(value)) return;
  document_["history"].push_back(
      {{"key", key}, {"value", value}, {"step", step}, {"time_ms", time_ms()}});
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

void RunRecord::finish(const std::string& status) {
  document_["status"] = status;
  document_["end_time"] = time_text();
  document_["end_time_ms"] = time_ms();
  log("run " + status);
  write();
  drop_lock();
}

void RunRecord::write() {
  if (folder_.empty()) return;
  const auto start = Clock::now();
  // Paths and file names need not be UTF-8; the record must be.
  io::write_file_atomic(
      folder_ + "/run.json",
      without_credentials(document_.dump(1, ' ', false, nlohmann::json::error_handler_t::replace)) +
          "\n");
  const auto end = Clock::now();
  rest_until_ = end + std::max<Clock::duration>(kLeastRest, kRestPerWriting * (end - start));
}

}  // namespace lamella::tracking
