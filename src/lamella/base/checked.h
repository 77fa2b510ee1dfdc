// SPDX-License-Identifier: Apache-2.0
// Size arithmetic on numbers that come from files.
#pragma once

#include <cstdint>
#include <string_view>

namespace lamella {

// a * b; Error kLimit that names `what` if either is negative or the result overflows.
int64_t checked_mul(int64_t a, int64_t b, std::string_view what);

}  // namespace lamella
