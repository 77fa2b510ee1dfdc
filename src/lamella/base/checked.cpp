// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/checked.h"

#include <fmt/format.h>

#include "lamella/base/error.h"

namespace lamella {

int64_t checked_mul(int64_t a, int64_t b, std::string_view what) {
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) {
    throw Error(ErrorCode::kLimit, fmt::format("{} is out of range: {} * {}", what, a, b));
  }
  return result;
}

}  // namespace lamella
