// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/study/run_follower_internal.h"

namespace lamella::study {

namespace {

constexpr auto kLeastRest = std::chrono::seconds(2);
constexpr int kRestPerSending = 20;

}  // namespace

RunFollower::RunFollower(tracking::PublishOptions options, std::string folder,
                         const CancelToken& cancel)
    : options_(std::move(options)), folder_(std::move(folder)) {
  context_.cancel = cancel;
  context_.warning = [this](const std::string& message) { warn(message); };
  thread_ = std::thread([this] { work(); });
}

RunFollower::~RunFollower() { stop(); }

bool RunFollower::idle() const {
  const std::lock_guard lock(mutex_);
  return !busy_ && !next_ && !away_ && Clock::now() >= rest_until_;
}

void RunFollower::post(nlohmann::json document) {
  const std::lock_guard lock(mutex_);
  if (away_) return;
  next_ = std::move(document);
  changed_.notify_one();
}

void RunFollower::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    next_.reset();
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::vector<std::string> RunFollower::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

void RunFollower::warn(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (std::find(shown_.begin(), shown_.end(), message) != shown_.end()) return;
  shown_.push_back(message);
  warnings_.push_back(message);
}

void RunFollower::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || next_; });
    if (stopping_) return;
    const nlohmann::json document = *std::exchange(next_, std::nullopt);
    busy_ = true;
    lock.unlock();
    const auto start = Clock::now();
    send(document);
    lock.lock();
    busy_ = false;
    rest_until_ = Clock::now() +
                  std::max<Clock::duration>(kLeastRest, kRestPerSending * (Clock::now() - start));
  }
}

void RunFollower::send(const nlohmann::json& document) {
  std::string why;
  try {
    tracking::publish_run(document, folder_, options_, context_);
    return;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) return;  // the run itself says so
    why = error.what();
  } catch (const std::exception& error) {
    why = error.what();
  }
  warn(fmt::format("MLflow: {}; the run is kept and goes on, at its end it is sent again", why));
  const std::lock_guard lock(mutex_);
  away_ = true;
}

}  // namespace lamella::study
