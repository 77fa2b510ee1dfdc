// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "lamella/base/context.h"

namespace lamella {

// The context with its steps named by `name`, std::string(std::string_view step), as it is at each
// report.
template <typename Name>
Context with_step_names(Context context, Name name) {
  if (!context.progress) return context;
  context.progress = [shown = std::move(context.progress),
                      name = std::move(name)](const Progress& progress) {
    const std::string step = name(progress.step);
    shown({step, progress.done, progress.total, progress.unit});
  };
  return context;
}

}  // namespace lamella
