// SPDX-License-Identifier: Apache-2.0
// Sends a run's record to MLflow on a thread of its own while the run goes on, so that the run does
// not wait for the server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/tracking/mlflow_publish.h"

namespace lamella::study {

class RunFollower {
 public:
  // folder: where the record lies. Starts the thread.
  RunFollower(tracking::PublishOptions options, std::string folder, const CancelToken& cancel);
  // Waits for the sending underway.
  ~RunFollower();
  RunFollower(const RunFollower&) = delete;
  RunFollower& operator=(const RunFollower&) = delete;

  // A post would be sent at once: nothing is underway, the server answers, and the last sending was
  // so long ago that sending takes a twentieth of the time at most.
  bool idle() const;
  // Hands over the record as it is now; what was posted before and not yet sent is dropped.
  void post(nlohmann::json document);
  // Waits for the sending underway; what was not begun is dropped.
  void stop();
  // Since the last call, each once; for the calling thread to show.
  std::vector<std::string> take_warnings();

 private:
  using Clock = std::chrono::steady_clock;
  void work();
  void send(const nlohmann::json& document);
  void warn(const std::string& message);

  const tracking::PublishOptions options_;
  const std::string folder_;
  Context context_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<nlohmann::json> next_;
  bool busy_ = false, stopping_ = false, away_ = false;
  Clock::time_point rest_until_{};
  std::vector<std::string> warnings_, shown_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace lamella::study
