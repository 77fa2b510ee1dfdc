// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "lamella/io/byte_source.h"
#include "lamella/io/net/store.h"

namespace lamella::io {

// What of an object's ends is read at once: for its directories, and for the fingerprint.
inline constexpr int64_t kRemoteEndBytes = int64_t{96} << 10;
inline constexpr int64_t kRemoteMiddleBytes = int64_t{32} << 10;

struct RemoteOptions {
  // What a plan fetches ahead of its reads, and holds of what later reads need.
  int64_t plan_budget_bytes = int64_t{64} << 20;
  // Blocks kept of reads that nobody planned: directories, a viewer's tiles.
  int64_t cache_budget_bytes = int64_t{16} << 20;
};

// Asks for the object's start. Errors as open_source.
std::shared_ptr<const ByteSource> open_remote(const std::string& address);
std::shared_ptr<const ByteSource> open_remote(std::shared_ptr<Store> store,
                                              const RemoteOptions& options = {});

}  // namespace lamella::io
