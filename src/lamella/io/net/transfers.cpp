// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/transfers.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <list>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "lamella/base/cancel_scope.h"
#include "lamella/io/net/attempt_internal.h"

namespace lamella::io {

namespace {

constexpr int kMaxAttempts = 6;
constexpr double kFirstBackoffS = 0.2, kMaxBackoffS = 10;
// A transfer that takes so much longer than such ones do is asked for a second time, on a
// connection of its own; the first answer is taken.
constexpr double kHedgeFactor = 4, kMinHedgeS = 2;
// Two of everything that is asked for twice.
constexpr int kMaxHedges = 4;

std::atomic<Transfers*> process_transfers{nullptr};

void end_transfers() { delete process_transfers.exchange(nullptr); }

// Moves towards what was measured last.
void average(double& value, double measured) {
  value = value == 0 ? measured : 0.8 * value + 0.2 * measured;
}

}  // namespace

struct Transfers::Impl {
  std::mutex mutex;
  std::condition_variable changed;  // something is done, or there is something to do
  std::list<std::shared_ptr<Transfer>> urgent, later;
  LinkEstimate link;
  bool ending = false;

  // Of the thread alone.
  CURLM* multi = nullptr;
  std::list<std::unique_ptr<Attempt>> running;
  double seconds_per_byte = 0;  // of one transfer beside the others
  double busy_since_s = 0;
  int64_t busy_bytes = 0;
  std::mt19937 dice{std::random_device{}()};
  std::thread thread;

  void wake() {
    changed.notify_all();
    curl_multi_wakeup(multi);
  }
  void work();
  bool stay();
  bool is_full() const;
  void launch_due();
  std::shared_ptr<Transfer> next_due(std::list<std::shared_ptr<Transfer>>& queue, double now);
  void begin(const std::shared_ptr<Transfer>& transfer, bool hedge);
  void remove(std::list<std::unique_ptr<Attempt>>::iterator attempt);
  void remove_all_of(const Transfer& transfer);
  void remove_dropped();
  void take_results();
  void succeed(Attempt& attempt);
  void try_again(Attempt& attempt);
  void finish(const std::shared_ptr<Transfer>& transfer, std::exception_ptr error);
  void hedge();
  void learn(const Attempt& attempt);
  bool is_running(const Transfer& transfer) const {
    return std::ranges::any_of(
        running, [&](const auto& attempt) { return attempt->transfer.get() == &transfer; });
  }
};

void Transfers::Impl::work() {
  while (stay()) {
    remove_dropped();
    launch_due();
    int left = 0;
    curl_multi_perform(multi, &left);
    take_results();
    hedge();
    // Wakened by a new transfer; looks for slow ones and due ones now and then.
    if (!running.empty()) {
      curl_multi_poll(multi, nullptr, 0, 100, nullptr);
    }
  }
  running.clear();
}

// Waits while there is nothing to do; false at the end.
bool Transfers::Impl::stay() {
  std::unique_lock lock(mutex);
  if (running.empty()) {
    busy_bytes = 0;
    busy_since_s = 0;
    while (!ending && urgent.empty() && later.empty()) changed.wait(lock);
    const double now = steady_seconds();
    double soonest = now + 60;
    for (const auto* queue : {&urgent, &later}) {
      for (const auto& transfer : *queue) soonest = std::min(soonest, transfer->due_s);
    }
    if (soonest > now && !ending) {
      changed.wait_for(lock, std::chrono::duration<double>(std::min(0.05, soonest - now)));
    }
  }
  return !ending;
}

std::shared_ptr<Transfer> Transfers::Impl::next_due(std::list<std::shared_ptr<Transfer>>& queue,
                                                    double now) {
  for (auto each = queue.begin(); each != queue.end(); ++each) {
    if ((*each)->due_s > now) continue;
    const std::shared_ptr<Transfer> found = *each;
    queue.erase(each);
    return found;
  }
  return nullptr;
}

bool Transfers::Impl::is_full() const {
  if (running.size() < size_t{kMaxInFlight}) return false;
  if (running.size() >= size_t{kMaxSmallInFlight}) return true;
  int64_t bytes = 0;
  for (const auto& attempt : running) bytes += attempt->transfer->request.range.bytes;
  return bytes >= kFewBytes;
}

void Transfers::Impl::launch_due() {
  for (;;) {
    std::shared_ptr<Transfer> next;
    {
      const std::lock_guard lock(mutex);
      if (is_full()) return;
      const double now = steady_seconds();
      next = next_due(urgent, now);
      if (!next) next = next_due(later, now);
      if (!next) return;
      next->state = Transfer::State::kRunning;
    }
    begin(next, false);
  }
}

void Transfers::Impl::begin(const std::shared_ptr<Transfer>& transfer, bool hedge) {
  try {
    auto attempt = std::make_unique<Attempt>(transfer, hedge || transfer->attempts > 0);
    ++transfer->request.traffic->requests;
    curl_multi_add_handle(multi, attempt->curl);
    if (busy_since_s == 0) busy_since_s = steady_seconds();
    running.push_back(std::move(attempt));
  } catch (...) {  // no credentials, for one
    if (!hedge) finish(transfer, std::current_exception());
  }
}

void Transfers::Impl::remove(std::list<std::unique_ptr<Attempt>>::iterator attempt) {
  curl_multi_remove_handle(multi, (*attempt)->curl);
  running.erase(attempt);
}

void Transfers::Impl::remove_all_of(const Transfer& transfer) {
  for (auto each = running.begin(); each != running.end();) {
    const auto next = std::next(each);
    if ((*each)->transfer.get() == &transfer) remove(each);
    each = next;
  }
}

void Transfers::Impl::remove_dropped() {
  std::vector<std::shared_ptr<Transfer>> gone;
  {
    const std::lock_guard lock(mutex);
    for (const auto& attempt : running) {
      if (attempt->transfer->dropped) gone.push_back(attempt->transfer);
    }
  }
  for (const auto& transfer : gone) remove_all_of(*transfer);
}

void Transfers::Impl::take_results() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = std::ranges::find_if(
        running, [&](const auto& each) { return each->curl == message->easy_handle; });
    if (found == running.end()) continue;
    Attempt& attempt = **found;
    const std::shared_ptr<Transfer> transfer = attempt.transfer;
    switch (attempt.judge(code)) {
      case Attempt::Verdict::kGood:
        succeed(attempt);
        remove_all_of(*transfer);
        break;
      case Attempt::Verdict::kFailed:
        finish(transfer, std::make_exception_ptr(*attempt.error));
        remove_all_of(*transfer);
        break;
      case Attempt::Verdict::kAgain:
        try_again(attempt);
        remove(found);
        break;
    }
  }
}

void Transfers::Impl::succeed(Attempt& attempt) {
  learn(attempt);
  const std::shared_ptr<Transfer>& transfer = attempt.transfer;
  transfer->bytes = std::move(attempt.bytes);
  transfer->byte_count = attempt.received;
  transfer->version = {attempt.answer.etag, attempt.answer.last_modified, attempt.object_size,
                       transfer->request.store->condition(attempt.answer)};
  transfer->answer = std::move(attempt.answer);
  finish(transfer, nullptr);
}

void Transfers::Impl::try_again(Attempt& attempt) {
  const std::shared_ptr<Transfer>& transfer = attempt.transfer;
  const auto others =
      std::ranges::count_if(running, [&](const auto& each) { return each->transfer == transfer; });
  if (others > 1) return;  // the other attempt may do
  if (++transfer->attempts >= kMaxAttempts) {
    const Error error(
        ErrorCode::kIo,
        fmt::format("the bytes {}-{} did not come in {} attempts: {}",
                    transfer->request.range.offset,
                    transfer->request.range.offset + transfer->request.range.bytes - 1,
                    transfer->attempts, attempt.cause),
        transfer->request.store->name());
    finish(transfer, std::make_exception_ptr(error));
    return;
  }
  // Many readers that failed together must not come again together.
  const double jitter = std::uniform_real_distribution<double>(0.5, 1.5)(dice);
  double wait = kFirstBackoffS * std::pow(2.0, transfer->attempts - 1) * jitter;
  if (attempt.learned) wait = 0;
  wait = std::min(std::max(wait, attempt.wait_s), kMaxBackoffS);
  const std::lock_guard lock(mutex);
  if (transfer->dropped) return;
  transfer->state = Transfer::State::kWaiting;
  transfer->due_s = steady_seconds() + wait;
  urgent.push_back(transfer);
}

void Transfers::Impl::finish(const std::shared_ptr<Transfer>& transfer, std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex);
    transfer->error = std::move(error);
    transfer->state = Transfer::State::kDone;
  }
  changed.notify_all();
}

void Transfers::Impl::learn(const Attempt& attempt) {
  double before = 0, first = 0, total = 0;
  curl_easy_getinfo(attempt.curl, CURLINFO_PRETRANSFER_TIME, &before);
  curl_easy_getinfo(attempt.curl, CURLINFO_STARTTRANSFER_TIME, &first);
  curl_easy_getinfo(attempt.curl, CURLINFO_TOTAL_TIME, &total);
  if (attempt.received > 0) {
    average(seconds_per_byte, std::max(0.0, total - first) / static_cast<double>(attempt.received));
  }
  busy_bytes += attempt.received;
  const double busy = steady_seconds() - busy_since_s;
  const std::lock_guard lock(mutex);
  average(link.latency_s, std::max(0.0, first - before));
  // Little tells nothing of a wide link.
  if (busy_bytes > (int64_t{4} << 20) && busy > 0) {
    average(link.bytes_per_second, static_cast<double>(busy_bytes) / busy);
  }
}

void Transfers::Impl::hedge() {
  if (static_cast<int>(running.size()) >= kMaxSmallInFlight + kMaxHedges) return;
  const double now = steady_seconds();
  std::vector<std::shared_ptr<Transfer>> slow;
  for (const auto& attempt : running) {
    const auto bytes = static_cast<double>(attempt->transfer->request.range.bytes);
    const double usual = link.latency_s + seconds_per_byte * bytes;
    if (now - attempt->started_s < std::max(kMinHedgeS, kHedgeFactor * usual)) continue;
    const auto tries = std::ranges::count_if(
        running, [&](const auto& each) { return each->transfer == attempt->transfer; });
    if (tries > 1 || attempt->hedged) continue;
    attempt->hedged = true;
    slow.push_back(attempt->transfer);
  }
  for (const auto& transfer : slow) {
    if (static_cast<int>(running.size()) < kMaxSmallInFlight + kMaxHedges) begin(transfer, true);
  }
}

Transfers::Transfers() : impl_(std::make_unique<Impl>()) {
  require_curl();
  impl_->multi = curl_multi_init();
  if (!impl_->multi) throw Error(ErrorCode::kInternal, "libcurl cannot be used");
  curl_multi_setopt(impl_->multi, CURLMOPT_MAXCONNECTS, 2L * kMaxSmallInFlight);
  impl_->thread = std::thread([impl = impl_.get()] { impl->work(); });
}

Transfers::~Transfers() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->wake();
  impl_->thread.join();
  curl_multi_cleanup(impl_->multi);
}

Transfers& Transfers::instance() {
  static std::mutex making;
  static std::once_flag once;
  std::call_once(once, [] {
    require_curl();
    std::atexit(&end_transfers);
    // A child has no such thread; what the parent had is left as it is.
    pthread_atfork(nullptr, nullptr, [] { process_transfers = nullptr; });
  });
  if (Transfers* made = process_transfers) return *made;
  const std::lock_guard lock(making);
  if (!process_transfers) process_transfers = new Transfers;
  return *process_transfers;
}

std::shared_ptr<Transfer> Transfers::start(TransferRequest request, bool urgent) {
  auto transfer = std::make_shared<Transfer>(std::move(request));
  transfer->owner = impl_.get();
  {
    const std::lock_guard lock(impl_->mutex);
    (urgent ? impl_->urgent : impl_->later).push_back(transfer);
  }
  impl_->wake();
  return transfer;
}

void Transfers::hurry(const std::shared_ptr<Transfer>& transfer) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = std::ranges::find(impl_->later, transfer);
  if (found != impl_->later.end()) {
    impl_->urgent.splice(impl_->urgent.end(), impl_->later, found);
  }
}

void Transfers::drop(const std::shared_ptr<Transfer>& transfer) {
  const Transfers* here = process_transfers;
  if (!here || transfer->owner != here->impl_.get()) return;
  Impl& impl = *here->impl_;
  {
    const std::lock_guard lock(impl.mutex);
    if (transfer->state == Transfer::State::kDone || transfer->waiters > 0) return;
    transfer->dropped = true;
    std::erase(impl.urgent, transfer);
    std::erase(impl.later, transfer);
  }
  impl.wake();
}

void Transfers::wait(const std::shared_ptr<Transfer>& transfer) {
  const CancelToken cancel = CancelScope::current();
  const double began = steady_seconds();
  if (transfer->owner != impl_.get()) {
    throw Error(ErrorCode::kIo,
                "was opened before this process parted from its parent (fork); open it again here",
                transfer->request.store->name());
  }
  std::unique_lock lock(impl_->mutex);
  if (transfer->dropped) {  // by another reader, just now
    transfer->dropped = false;
    transfer->state = Transfer::State::kWaiting;
    impl_->urgent.push_back(transfer);
    impl_->wake();
  }
  ++transfer->waiters;
  const auto done = [&] { return transfer->state == Transfer::State::kDone; };
  while (!done()) {
    impl_->changed.wait_for(lock, std::chrono::milliseconds(20));
    if (cancel.requested()) break;
  }
  --transfer->waiters;
  transfer->request.traffic->waiting_us += static_cast<int64_t>((steady_seconds() - began) * 1e6);
  if (!done()) cancel.check();
  if (transfer->error) std::rethrow_exception(transfer->error);
}

LinkEstimate Transfers::estimate() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->link;
}

}  // namespace lamella::io
