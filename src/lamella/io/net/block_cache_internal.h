// SPDX-License-Identifier: Apache-2.0
// Blocks of one object that were fetched because somebody read them, within a budget; those used
// longest ago go first. Not synchronised: its source's lock guards it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "lamella/io/net/transfers.h"

namespace lamella::io {

class BlockCache {
 public:
  static constexpr int64_t kBlockBytes = int64_t{32} << 10;
  // A request for less is one for so many blocks: directories go on behind what is asked for.
  static constexpr int64_t kLeastBlocks = 2;

  using Fetch = std::function<std::shared_ptr<Transfer>(const ByteRange& range)>;

  BlockCache(int64_t object_bytes, int64_t budget_bytes)
      : object_bytes_(object_bytes), budget_bytes_(budget_bytes) {}

  // Puts in what was fetched from `offset`, a block's start, on.
  void add(const std::shared_ptr<Transfer>& transfer, const ByteRange& range);
  // The transfers that hold the range, by offset; those that are missing are begun by `fetch`.
  std::vector<std::shared_ptr<Transfer>> get(const ByteRange& range, const Fetch& fetch);
  void forget(const std::shared_ptr<Transfer>& transfer);
  std::vector<std::shared_ptr<Transfer>> all() const;
  int64_t budget_bytes() const { return budget_bytes_; }

 private:
  struct Extent {
    std::shared_ptr<Transfer> transfer;
    ByteRange range;
  };
  void trim(std::span<const std::shared_ptr<Transfer>> wanted);
  void erase(std::list<Extent>::iterator extent);

  int64_t object_bytes_, budget_bytes_;
  int64_t held_bytes_ = 0;
  std::list<Extent> extents_;  // used last: at the front
  std::map<int64_t, std::list<Extent>::iterator> blocks_;
};

}  // namespace lamella::io
