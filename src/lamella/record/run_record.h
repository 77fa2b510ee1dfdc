// SPDX-License-Identifier: Apache-2.0
// The record of one execution: runs/<run_id>/run.json, written incrementally and atomically, and
// log.txt beside it. While the run goes on its process holds a lock on runs/<run_id>/lock, so that
// a reader can tell a run that goes on from one that was killed. One writer per record.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "lamella/record/run_document.h"

namespace lamella::record {

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

  const std::string& folder() const { return folder_; }

  const RunDocument& document() const { return document_; }
  // To be filled in; what was filled in is on disk after the next write(), add_warning() or
  // finish().
  RunDocument& document() { return document_; }
  void write();
  // Into log.txt at once; into run.json too unless resting(), then with the next write.
  void add_warning(const std::string& warning);
  // Whether run.json was written a short while ago, by what writing it takes: the record of a large
  // cohort grows, and writing it after each of its slides would take longer than the slides.
  bool resting() const { return Clock::now() < rest_until_; }
  // A value at a step of its own curve, with the time of this call; kept in the document's history.
  // What is not finite is left out.
  void measure(const std::string& key, double value, int64_t step = 0);
  // Appends "<UTC time> <message>" to log.txt.
  void log(std::string_view message);
  // Adds status and end time and writes.
  void finish(Status status);

 private:
  using Clock = std::chrono::steady_clock;
  void hold_lock();
  void drop_lock();
  std::string folder_;
  RunDocument document_;
  Clock::time_point rest_until_{};
  int lock_ = -1;
};

}  // namespace lamella::record
