// SPDX-License-Identifier: Apache-2.0
// Reads that were announced, as requests that are sent ahead of them. Not synchronised: its
// source's lock guards it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "lamella/io/net/transfers.h"

namespace lamella::io {

class RangePlan {
 public:
  using Fetch = std::function<std::shared_ptr<Transfer>(const ByteRange& range, bool urgent)>;

  // `ranges` are requests in the order of their first reads (merge_ranges).
  RangePlan(const std::vector<ByteRange>& reads, const std::vector<ByteRange>& ranges,
            int64_t budget_bytes);

  // Begins as many requests as the budget has room for.
  void fetch_ahead(const Fetch& fetch);
  // The transfer that holds the bytes, begun now if it was not; nullptr if they are not planned,
  // or were read before.
  std::shared_ptr<Transfer> find(const ByteRange& range, const Fetch& fetch);
  // The bytes were read; what nobody will read any more is let go.
  void used(const ByteRange& range);
  std::vector<std::shared_ptr<Transfer>> transfers() const;

 private:
  struct Read {
    ByteRange range;
    size_t request = 0;
    int64_t left = 0;  // bytes still to be read
  };
  struct Request {
    ByteRange range;
    int64_t reads_left = 0;
    std::shared_ptr<Transfer> transfer;
  };
  const Read* read_of(const ByteRange& range) const;

  std::vector<Read> reads_;  // by offset, each once
  std::vector<Request> requests_;
  size_t next_ = 0;
  int64_t budget_bytes_;
  int64_t held_bytes_ = 0;
};

}  // namespace lamella::io
