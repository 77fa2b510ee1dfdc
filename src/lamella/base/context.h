// SPDX-License-Identifier: Apache-2.0
// How a call runs: thread count, cancelling, progress, warnings. Given by the caller to every long
// call; the library starts no thread except inside a call that was given a thread count.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lamella {

// Shared flag; request() is async-signal-safe.
class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  void request() const noexcept { flag_->store(true, std::memory_order_relaxed); }
  bool requested() const noexcept { return flag_->load(std::memory_order_relaxed); }
  // Error kInterrupted if requested.
  void check() const;

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

struct Progress {
  std::string_view step;  // "encode idc_14306"
  int64_t done = 0;
  int64_t total = 0;
  std::string_view unit;  // "patches"
};

struct Context {
  int threads = 1;
  CancelToken cancel;
  // Any may be empty. Called from the calling thread only, never from a worker.
  std::function<void(const Progress&)> progress;
  std::function<void(const std::string&)> warning;
  std::function<void(const std::string&)> notice;  // what is worth a line, and is no fault

  void report(std::string_view step, int64_t done, int64_t total, std::string_view unit) const {
    if (progress) progress({step, done, total, unit});
  }
  void warn(const std::string& message) const {
    if (warning) warning(message);
  }
  void note(const std::string& message) const {
    if (notice) notice(message);
  }
};

}  // namespace lamella
