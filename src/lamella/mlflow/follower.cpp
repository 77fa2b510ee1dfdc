// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lamella/base/error.h"

namespace lamella::mlflow {

namespace {

constexpr auto kLeastRest = std::chrono::seconds(2);
constexpr int kRestPerSending = 20;

}  // namespace

Follower::Follower(PublishOptions options, std::string folder, const CancelToken& cancel)
    : options_(std::move(options)), folder_(std::move(folder)) {
  context_.cancel = cancel;
  context_.warning = [this](const std::string& message) { warn(message); };
  thread_ = std::thread([this] { work(); });
}

Follower::~Follower() { stop(); }

bool Follower::idle() const {
  const std::lock_guard lock(mutex_);
  return !busy_ && !next_ && !away_ && Clock::now() >= rest_until_;
}

void Follower::post(record::RunDocument document) {
  const std::lock_guard lock(mutex_);
  if (away_) return;
  next_ = std::move(document);
  changed_.notify_one();
}

void Follower::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    next_.reset();
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::vector<std::string> Follower::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

void Follower::warn(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (std::find(shown_.begin(), shown_.end(), message) != shown_.end()) return;
  shown_.push_back(message);
  warnings_.push_back(message);
}

void Follower::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || next_; });
    if (stopping_) return;
    const record::RunDocument document = *std::exchange(next_, std::nullopt);
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

void Follower::send(const record::RunDocument& document) {
  std::string why;
  try {
    publish_run(document, folder_, options_, context_);
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

std::optional<Published> Follower::finish(const record::RunDocument& document, bool last_words,
                                          const Context& context) {
  stop();
  for (const std::string& message : take_warnings()) context.warn(message);
  options_.last_words = last_words;
  try {
    Published published = publish_run(document, folder_, options_, context);
    for (const std::string& path : published.files_missing) {
      context.warn(path + ": is gone; not sent to MLflow");
    }
    return published;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    const std::string why =
        fmt::format("MLflow: {}; the run is kept and 'lamella runs publish {}' sends it later",
                    error.what(), folder_);
    if (options_.required && !last_words) throw Error(error.code(), why);
    context.warn(why);
  }
  return {};
}

}  // namespace lamella::mlflow
