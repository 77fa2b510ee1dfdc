// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "lamella/base/cancel_scope.h"

namespace lamella {

namespace {

// A thread that waits for work. It is never ended: at the end of the process it waits, too.
class Helper {
 public:
  static std::shared_ptr<Helper> make() {
    auto helper = std::make_shared<Helper>();
    std::thread([helper] { helper->serve(); }).detach();
    return helper;
  }

  // The job must not throw, and must live until wait() returns.
  void start(const std::function<void(int)>& job, int worker) {
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      worker_ = worker;
    }
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !job_; });
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return job_; });
      lock.unlock();
      (*job_)(worker_);
      lock.lock();
      job_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(int)>* job_ = nullptr;
  int worker_ = 0;
};

// Those that have nothing to do. Making a thread costs a tenth of a millisecond in a process with
// many libraries, as much as a batch of patches.
class Helpers {
 public:
  // Never destroyed: work may go on while the process ends.
  static Helpers& instance() {
    alignas(Helpers) static std::byte place[sizeof(Helpers)];
    static Helpers* const made = [] {
      pthread_atfork(nullptr, nullptr, [] { new (place) Helpers; });  // a child has no threads
      return new (place) Helpers;
    }();
    return *made;
  }

  std::shared_ptr<Helper> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto helper = std::move(idle_.back());
        idle_.pop_back();
        return helper;
      }
    }
    return Helper::make();
  }

  void give_back(std::shared_ptr<Helper> helper) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(helper));
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Helper>> idle_;
};

// At work on one job; the destructor waits for them.
class Crew {
 public:
  // Error std::system_error: no more threads; those that there are work on.
  void add(const std::function<void(int)>& job, int worker) {
    helpers_.reserve(helpers_.size() + 1);
    helpers_.push_back(Helpers::instance().take());
    helpers_.back()->start(job, worker);
  }
  Crew() = default;
  ~Crew() {
    for (auto& helper : helpers_) {
      helper->wait();
      Helpers::instance().give_back(std::move(helper));
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

 private:
  std::vector<std::shared_ptr<Helper>> helpers_;
};

}  // namespace

void parallel_for(int64_t count, int threads, const std::function<void(int64_t, int)>& body) {
  const int workers =
      static_cast<int>(std::clamp<int64_t>(std::min<int64_t>(threads, count), 1, 1024));
  if (workers == 1) {
    for (int64_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  int64_t failed_index = count;
  std::exception_ptr error;

  const CancelToken cancel = CancelScope::current();
  const std::function<void(int)> work = [&](int worker) {
    const CancelScope scope(cancel);
    while (!failed.load(std::memory_order_relaxed)) {
      const int64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count) return;
      try {
        body(index, worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = true;
        if (index < failed_index) {
          failed_index = index;
          error = std::current_exception();
        }
      }
    }
  };
  {
    Crew crew;
    for (int worker = 1; worker < workers; ++worker) crew.add(work, worker);
    work(0);
  }
  if (error) std::rethrow_exception(error);
}

int available_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace lamella
