// SPDX-License-Identifier: Apache-2.0
// The record of a fine-tuning: one of the study's runs, sent to MLflow as any other.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "lamella/cohort/slides_table.h"
#include "lamella/mlflow/follower.h"
#include "lamella/mlflow/tracking.h"
#include "lamella/record/run_record.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

struct FinetuneStart {
  std::vector<cohort::SlideEntry> slides;  // learnt from and held out
  std::set<std::string> held_out;          // patients
  record::EncoderUsed network;             // as it was at first
  std::map<std::string, std::string> libraries;
  nlohmann::json resolved;  // what the options came to: ranks, device, ...
  mlflow::CallingClient client{};
};

// Kept in <output>/runs/<run_id>. One caller. What MLflow warns of is a warning of the record.
class FinetuneRun {
 public:
  // Hashes the inputs. Errors: record::RunRecord's; where the study requires a server, that none
  // can be used, or that it is away or refuses: the record has failed then.
  FinetuneRun(const Study& study, const FinetuneStart& start, int threads);
  const std::string& folder() const { return record_.folder(); }
  void measure(const std::string& key, double value, int64_t step) {
    record_.measure(key, value, step);
  }
  void log(const std::string& message) { record_.log(message); }
  void warn(const std::string& message) { record_.add_warning(message); }
  // Writes the record and hands it over to be sent.
  void send();
  // outputs: files in the study's output, relative to it. error: "" if it went well. Returns where
  // it was sent, null if nowhere.
  nlohmann::json finish(record::Status status, const std::string& error,
                        const std::vector<std::string>& outputs);

 private:
  const Study study_;
  Context context_;
  std::mutex mutex_;
  std::vector<std::string> warnings_;  // of the sending, which has a thread of its own
  record::RunRecord record_;
  std::unique_ptr<mlflow::Follower> follower_;  // last: its thread uses the others
  void begin_sending(const mlflow::CallingClient& client);
  void take_warnings();
};

}  // namespace lamella::study
