// SPDX-License-Identifier: Apache-2.0
// Processes: another program, waited for; who this one is, and whether one is still there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"

namespace lamella {

// Runs words[0] (looked up on the PATH) with the other words; its output goes to `log`, a file; "":
// where this process's own goes. Returns its exit code, 128 + the signal that ended it. When the
// context is cancelled it is asked to end (SIGTERM) and waited for. `environment`: "NAME=value",
// beside our own or instead of it. Error kNotFound if it cannot be started; kInterrupted.
int run_process(const std::vector<std::string>& words, const std::string& log,
                const Context& context, const std::vector<std::string>& environment = {});

std::string host_name();
// The words this program was started with, by blanks.
std::string own_command();

// When a process of this machine started, in clock ticks since the machine did; nullopt if there is
// none. With its number this tells a process from a later one of the same number.
std::optional<int64_t> process_start(int64_t pid);

}  // namespace lamella
