// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace lamella {

namespace {

constexpr uintptr_t kHugePage = uintptr_t{2} << 20;

}  // namespace

void prefer_huge_pages(void* memory, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t last = (begin + bytes) / kHugePage * kHugePage;
  if (first + kHugePage >= last) return;
  // Where the system has none, nothing happens.
  static_cast<void>(::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));
}

}  // namespace lamella
