// SPDX-License-Identifier: Apache-2.0
// What stands below `lamella encoder`.
#pragma once

#include "lamella/cli/commands.h"

namespace lamella::cli {

Action add_encoder_import(CLI::App& app);
Action add_encoder_check(CLI::App& app);
Action add_encoder_quantize(CLI::App& app);

}  // namespace lamella::cli
