// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lamella/io/net/block_cache_internal.h"

namespace lamella::io {

void BlockCache::add(const std::shared_ptr<Transfer>& transfer, const ByteRange& range) {
  extents_.push_front({transfer, range});
  held_bytes_ += range.bytes;
  for (int64_t at = range.offset; at < range.offset + range.bytes; at += kBlockBytes) {
    blocks_[at / kBlockBytes] = extents_.begin();
  }
}

std::vector<std::shared_ptr<Transfer>> BlockCache::get(const ByteRange& range, const Fetch& fetch) {
  const int64_t blocks = (object_bytes_ + kBlockBytes - 1) / kBlockBytes;
  const int64_t last = std::min(blocks, (range.offset + range.bytes - 1) / kBlockBytes + 1);
  std::vector<std::shared_ptr<Transfer>> found;
  for (int64_t block = range.offset / kBlockBytes; block < last; ++block) {
    const auto known = blocks_.find(block);
    if (known != blocks_.end()) {
      extents_.splice(extents_.begin(), extents_, known->second);
    } else {
      int64_t end = block + 1;
      while (end < blocks && !blocks_.contains(end) && (end < last || end < block + kLeastBlocks)) {
        ++end;
      }
      const int64_t offset = block * kBlockBytes;
      const ByteRange missing = {offset, std::min(end * kBlockBytes, object_bytes_) - offset};
      add(fetch(missing), missing);
    }
    const std::shared_ptr<Transfer>& transfer = extents_.front().transfer;
    if (found.empty() || found.back() != transfer) found.push_back(transfer);
  }
  trim(found);
  return found;
}

void BlockCache::trim(std::span<const std::shared_ptr<Transfer>> wanted) {
  for (auto each = extents_.end(); held_bytes_ > budget_bytes_ && each != extents_.begin();) {
    --each;
    if (std::ranges::find(wanted, each->transfer) != wanted.end()) continue;
    const auto gone = each++;
    erase(gone);
  }
}

void BlockCache::erase(std::list<Extent>::iterator extent) {
  const ByteRange& range = extent->range;
  for (int64_t at = range.offset; at < range.offset + range.bytes; at += kBlockBytes) {
    const auto block = blocks_.find(at / kBlockBytes);
    if (block != blocks_.end() && block->second == extent) blocks_.erase(block);
  }
  held_bytes_ -= range.bytes;
  extents_.erase(extent);
}

void BlockCache::forget(const std::shared_ptr<Transfer>& transfer) {
  const auto found = std::ranges::find(extents_, transfer, &Extent::transfer);
  if (found != extents_.end()) erase(found);
}

std::vector<std::shared_ptr<Transfer>> BlockCache::all() const {
  std::vector<std::shared_ptr<Transfer>> transfers;
  for (const Extent& extent : extents_) transfers.push_back(extent.transfer);
  return transfers;
}

}  // namespace lamella::io
