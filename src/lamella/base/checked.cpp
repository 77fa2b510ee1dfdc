// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/checked.h"

#include <fmt/format.h>

#include "lamella/base/error.h"

namespace lamella {

namespace {

[[noreturn]] void refuse(int64_t a, char sign, int64_t b, std::string_view what) {
  throw Error(ErrorCode::kLimit, fmt::format("{} is out of range: {} {} {}", what, a, sign, b));
}

}  // namespace

int64_t checked_mul(int64_t a, int64_t b, std::string_view what) {
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) refuse(a, '*', b, what);
  return result;
}

int64_t checked_add(int64_t a, int64_t b, std::string_view what) {
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &result)) refuse(a, '+', b, what);
  return result;
}

}  // namespace lamella
