// SPDX-License-Identifier: Apache-2.0
// Another program, waited for.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"

namespace lamella {

// Runs words[0] (looked up on the PATH) with the other words; its output goes to `log`, a file.
// Returns its exit code, 128 + the signal that ended it. When the context is cancelled it is
// asked to end (SIGTERM) and waited for. Error kNotFound if it cannot be started; kInterrupted.
int run_process(const std::vector<std::string>& words, const std::string& log,
                const Context& context);

}  // namespace lamella
