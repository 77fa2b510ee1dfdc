// SPDX-License-Identifier: Apache-2.0
#include "lamella/tracking/run_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <random>

#include "lamella/base/error.h"
#include "lamella/io/files.h"

namespace lamella::tracking {

namespace {

std::tm utc_now() {
  return fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
}

std::string time_text() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc_now()); }

std::string make_run_id() {
  return fmt::format("{:%Y%m%d-%H%M%S}-{:06x}", utc_now(), std::random_device{}() & 0xffffff);
}

}  // namespace

RunRecord::RunRecord(const std::string& runs_folder, const std::string& name)
    : run_id_(make_run_id()) {
  while (io::exists(runs_folder + "/" + run_id_)) run_id_ = make_run_id();
  folder_ = runs_folder + "/" + run_id_;
  io::make_folders(folder_);
  document_ = {{"run_id", run_id_},
               {"name", name},
               {"status", "RUNNING"},
               {"start_time", time_text()},
               {"warnings", nlohmann::json::array()}};
  write();
}

RunRecord::~RunRecord() = default;

void RunRecord::set(const std::string& key, nlohmann::json value) {
  document_[key] = std::move(value);
  write();
}

void RunRecord::add_warning(const std::string& warning) {
  document_["warnings"].push_back(warning);
  write();
}

void RunRecord::finish(const std::string& status) {
  document_["status"] = status;
  document_["end_time"] = time_text();
  write();
}

void RunRecord::write() {
  // Paths and file names need not be UTF-8; the record must be.
  io::write_file_atomic(
      folder_ + "/run.json",
      document_.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace lamella::tracking
