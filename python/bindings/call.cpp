// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <nanobind/stl/string.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lamella/base/cancel_scope.h"
#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/spelling.h"
#include "options.h"

namespace lamella::python {

namespace {

// Ctrl-C and progress are looked at so often.
constexpr auto kPollInterval = std::chrono::milliseconds(50);

struct ProgressCopy {
  std::string step, unit;
  int64_t done = 0, total = 0;
};

// Between the thread that works and the one that waits.
class Mailbox {
 public:
  Context context(int threads) {
    Context context;
    context.threads = threads;
    context.cancel = cancel_;
    context.progress = [this](const Progress& progress) {
      const std::scoped_lock lock(mutex_);
      progress_ = {std::string(progress.step), std::string(progress.unit), progress.done,
                   progress.total};
    };
    context.warning = [this](const std::string& text) {
      const std::scoped_lock lock(mutex_);
      warnings_.push_back(text);
    };
    return context;
  }

  void finish(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
    finished_ = true;
    condition_.notify_all();
  }

  // True if the work has ended. Without the interpreter's lock.
  bool wait() {
    std::unique_lock lock(mutex_);
    return condition_.wait_for(lock, kPollInterval, [this] { return finished_; });
  }

  // Hands over what has come since the last call. With the interpreter's lock.
  void deliver(const nb::object& progress) {
    std::optional<ProgressCopy> news;
    std::vector<std::string> warnings;
    {
      const std::scoped_lock lock(mutex_);
      news.swap(progress_);
      warnings.swap(warnings_);
    }
    if (!warnings.empty()) {
      const nb::object kind = nb::module_::import_("lamella._errors").attr("LamellaWarning");
      for (const std::string& text : warnings) {
        const std::string spelled = spell_options(text, python_name);
        if (PyErr_WarnEx(kind.ptr(), spelled.c_str(), 1) != 0) throw nb::python_error();
      }
    }
    if (news && !progress.is_none()) progress(news->step, news->done, news->total, news->unit);
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }

  void cancel() { cancel_.request(); }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  CancelToken cancel_;
  std::mutex mutex_;
  std::condition_variable condition_;
  std::optional<ProgressCopy> progress_;
  std::vector<std::string> warnings_;
  std::exception_ptr error_;
  bool finished_ = false;
};

nb::object progress_callable(nb::object progress) {
  if (!nb::isinstance<nb::bool_>(progress)) return progress;
  if (!nb::cast<bool>(progress)) return nb::none();
  return nb::module_::import_("lamella._progress").attr("Bar")();
}

}  // namespace

Call::Call(std::optional<int> threads, nb::object progress)
    : threads_(threads.value_or(available_threads())), progress_(std::move(progress)) {
  if (threads_ < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "found threads = " + std::to_string(threads_) + ", expected at least 1");
  }
}

void Call::run_erased(const std::function<void(const Context&)>& work) const {
  const nb::object progress = progress_callable(progress_);
  Mailbox mailbox;
  std::thread worker([&] {
    std::exception_ptr error;
    try {
      const Context context = mailbox.context(threads_);
      const CancelScope scope(context.cancel);
      work(context);
    } catch (...) {
      error = std::current_exception();
    }
    mailbox.finish(error);
  });
  const auto join = [&] {
    const nb::gil_scoped_release release;
    worker.join();
  };
  try {
    bool finished = false;
    while (!finished) {
      {
        const nb::gil_scoped_release release;
        finished = mailbox.wait();
      }
      mailbox.deliver(progress);
    }
  } catch (...) {
    mailbox.cancel();
    join();
    throw;
  }
  join();
  mailbox.rethrow();
}

void register_errors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const Error& error) {
      const nb::object kind = nb::module_::import_("lamella._errors").attr("Error");
      const nb::object value =
          kind(spell_options(error.message(), python_name), error.path(),
               std::string(to_string(error.code())), error.where(), named_option(error.message()));
      PyErr_SetObject(kind.ptr(), value.ptr());
    }
  });
}

}  // namespace lamella::python
