// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lamella {

// Asks the system to back this memory, which has not been touched yet, by large pages: getting a
// picture of 100 MB in small ones takes longer than filling it. A hint; small ranges are left
// alone.
void prefer_huge_pages(void* memory, size_t bytes);

}  // namespace lamella
