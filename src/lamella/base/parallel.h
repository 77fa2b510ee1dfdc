// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace lamella {

// Calls body(index, worker) once for each index in [0, count), from at most `threads` threads
// (the caller's among them); worker is in [0, threads) and no two calls with the same worker
// overlap, so it may pick per-thread scratch. Indices are handed out in increasing order. The
// exception of the lowest failing index is rethrown after all workers have stopped.
void parallel_for(int64_t count, int threads,
                  const std::function<void(int64_t index, int worker)>& body);

// The number of processors this process may use, at least 1.
int available_threads();

}  // namespace lamella
