// SPDX-License-Identifier: Apache-2.0
// How Python calls a long verb: the work runs on a thread of its own without the interpreter's
// lock, while the caller waits for it, shows progress and warnings, and looks for Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "lamella/base/context.h"

namespace lamella::python {

namespace nb = nanobind;

class Call {
 public:
  // threads: None means all cores. progress: None, True (a bar by tqdm), or a callable of
  // (step, done, total, unit).
  Call(std::optional<int> threads, nb::object progress);

  // work(context) must not touch Python. Ctrl-C cancels the context, waits for work to end and
  // raises KeyboardInterrupt; so does any exception of the progress callable or a warning that was
  // made an error.
  template <typename Work>
  auto run(Work&& work) const {
    using Result = std::invoke_result_t<Work, const Context&>;
    if constexpr (std::is_void_v<Result>) {
      run_erased(std::forward<Work>(work));
    } else {
      std::optional<Result> result;
      run_erased([&](const Context& context) { result.emplace(work(context)); });
      return std::move(*result);
    }
  }

  int threads() const { return threads_; }

 private:
  void run_erased(const std::function<void(const Context&)>& work) const;

  int threads_;
  nb::object progress_;
};

// lamella::Error becomes lamella.Error with code, message, path and where.
void register_errors(nb::module_& module);

}  // namespace lamella::python
