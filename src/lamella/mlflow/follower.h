// SPDX-License-Identifier: Apache-2.0
// Sends a run's record to MLflow on a thread of its own while the run goes on, so that the run does
// not wait for the server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/mlflow/publish.h"

namespace lamella::mlflow {

class Follower {
 public:
  // folder: where the record lies. Starts the thread.
  Follower(PublishOptions options, std::string folder, const CancelToken& cancel);
  // Waits for the sending underway.
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // A post would be sent at once: nothing is underway, the server answers, and the last sending was
  // so long ago that sending takes a twentieth of the time at most.
  bool idle() const;
  // Hands over the record as it is now; what was posted before and not yet sent is dropped.
  void post(record::RunDocument document);
  // Since the last call, each once; for the calling thread to show.
  std::vector<std::string> take_warnings();

  // The last sending, by the calling thread, after the one underway; what was not begun is dropped.
  // A server that is away or refuses is a warning that says how to send the record later: nullopt;
  // an Error where sending is required. last_words: one short attempt. Error kInterrupted.
  std::optional<Published> finish(const record::RunDocument& document, bool last_words,
                                  const Context& context);

 private:
  using Clock = std::chrono::steady_clock;
  void stop();
  void work();
  void send(const record::RunDocument& document);
  void warn(const std::string& message);

  PublishOptions options_;
  const std::string folder_;
  Context context_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<record::RunDocument> next_;
  bool busy_ = false, stopping_ = false, away_ = false;
  Clock::time_point rest_until_{};
  std::vector<std::string> warnings_, shown_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace lamella::mlflow
