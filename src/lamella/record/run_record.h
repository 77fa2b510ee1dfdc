// SPDX-License-Identifier: Apache-2.0
// The record of one execution: runs/<run_id>/run.json, written incrementally and atomically, and
// log.txt beside it. While the run goes on its process holds a lock on runs/<run_id>/lock, so that
// a reader can tell a run that goes on from one that was killed. One writer per record.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace lamella::tracking {

inline constexpr int kRecordFormat = 1;

class RunRecord {
 public:
  // A record that is kept nowhere.
  RunRecord() = default;
  // Makes <runs_folder>/<run_id>; the id is UTC time + random suffix (20261123-021530-4f9a1c).
  // Error kIo.
  RunRecord(const std::string& runs_folder, const std::string& name);
  // A record that nobody finished gets status FAILED.
  ~RunRecord();
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  const std::string& run_id() const { return run_id_; }
  const std::string& folder() const { return folder_; }

  // Replaces document[key] and writes run.json.
  void set(const std::string& key, nlohmann::json value);
  // Into log.txt at once; into run.json too unless resting(), then with the next write.
  void add_warning(const std::string& warning);
  // Whether run.json was written a short while ago, by what writing it takes: the record of a large
  // cohort grows, and writing it after each of its slides would take longer than the slides.
  bool resting() const { return Clock::now() < rest_until_; }
  // A value at a step of its own curve, with the time of this call; kept in document["history"]
  // and written with the next set(), add_warning() or finish(). What is not finite is left out.
  void measure(const std::string& key, double value, int64_t step = 0);
  // Appends "<UTC time> <message>" to log.txt.
  void log(std::string_view message);
  // status: FINISHED, FAILED or KILLED; adds the end time and writes.
  void finish(const std::string& status);
  const nlohmann::ordered_json& document() const { return document_; }

 private:
  using Clock = std::chrono::steady_clock;
  void write();
  void hold_lock();
  void drop_lock();
  std::string run_id_;
  std::string folder_;
  nlohmann::ordered_json document_;
  Clock::time_point rest_until_{};
  int lock_ = -1;
};

// lamella's version and git commit, versions of the libraries given and of those built with,
// processor features, operating system.
nlohmann::json describe_software(const nlohmann::json& libraries);

// {"user", "host", "folder"}: who runs this, and where.
nlohmann::json describe_caller();

}  // namespace lamella::tracking
