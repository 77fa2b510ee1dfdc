// SPDX-License-Identifier: Apache-2.0
// The record of one execution: runs/<run_id>/run.json, written incrementally and atomically, so a
// killed run leaves a readable record with status RUNNING. One writer per record.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace lamella::tracking {

class RunRecord {
 public:
  // Makes <runs_folder>/<run_id>; the id is UTC time + random suffix (20261123-021530-4f9a1c).
  // Error kIo.
  RunRecord(const std::string& runs_folder, const std::string& name);
  ~RunRecord();

  const std::string& run_id() const { return run_id_; }
  const std::string& folder() const { return folder_; }

  // Replaces document[key] and writes run.json.
  void set(const std::string& key, nlohmann::json value);
  void add_warning(const std::string& warning);
  // status: FINISHED, FAILED or KILLED; adds the end time and writes.
  void finish(const std::string& status);
  const nlohmann::json& document() const { return document_; }

 private:
  void write();
  std::string run_id_;
  std::string folder_;
  nlohmann::json document_;
};

// lamella's version and git commit, versions of the libraries given, processor features,
// operating system.
nlohmann::json describe_software(const nlohmann::json& libraries);

}  // namespace lamella::tracking
