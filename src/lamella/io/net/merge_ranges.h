// SPDX-License-Identifier: Apache-2.0
// From reads in the order in which they come to requests: neighbours together, gaps and all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lamella/io/byte_source.h"

namespace lamella::io {

struct MergeOptions {
  // Bytes that are fetched in vain rather than sending another request.
  int64_t max_gap_bytes = int64_t{1} << 20;
  int64_t max_range_bytes = int64_t{16} << 20;  // a single read may be longer
  // Bytes fetched in vain may be so much of those that are needed: the smallest gaps are taken.
  double max_waste = 0.4;
  // Reads that are merged with each other: those of so many bytes that follow one another. Bounds
  // what is held when a file's order is not that of the reads. The first window is small, so that
  // there is something to work on soon, and each next one doubles.
  int64_t first_window_bytes = int64_t{4} << 20;
  int64_t max_window_bytes = int64_t{32} << 20;
};

// Ranges in the order in which their first read comes; each read lies within one. Reads that
// overlap or come again are served by one range of their window.
std::vector<ByteRange> merge_ranges(std::span<const ByteRange> reads, const MergeOptions& options);

}  // namespace lamella::io
