// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/merge_ranges.h"

#include <algorithm>
#include <numeric>

namespace lamella::io {

namespace {

struct Piece {
  ByteRange range;
  size_t first = 0;  // the first read that needs it
  int64_t end() const { return range.offset + range.bytes; }
};

// The window's reads by offset; those that touch or overlap as one.
std::vector<Piece> joined(std::span<const ByteRange> reads, int64_t max_bytes) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < reads.size(); ++i) pieces.push_back({reads[i], i});
  std::ranges::sort(pieces, {}, [](const Piece& piece) { return piece.range.offset; });
  std::vector<Piece> all;
  for (const Piece& piece : pieces) {
    const int64_t end = all.empty() ? 0 : std::max(all.back().end(), piece.end());
    const bool overlaps = !all.empty() && piece.range.offset < all.back().end();
    const bool touches = !all.empty() && piece.range.offset == all.back().end() &&
                         end - all.back().range.offset <= max_bytes;
    if (!overlaps && !touches) {
      all.push_back(piece);
      continue;
    }
    all.back().range.bytes = end - all.back().range.offset;
    all.back().first = std::min(all.back().first, piece.first);
  }
  return all;
}

// Which gaps (after piece i) are read through: the smallest, as long as the waste allows it.
std::vector<bool> gaps_taken(const std::vector<Piece>& pieces, const MergeOptions& options) {
  std::vector<bool> taken(pieces.size(), false);
  if (pieces.empty()) return taken;
  std::vector<size_t> order(pieces.size() - 1);
  std::iota(order.begin(), order.end(), size_t{0});
  const auto gap = [&](size_t i) { return pieces[i + 1].range.offset - pieces[i].end(); };
  std::ranges::stable_sort(order, {}, gap);
  int64_t needed = 0;
  for (const Piece& piece : pieces) needed += piece.range.bytes;
  double left = options.max_waste * static_cast<double>(needed);
  for (const size_t i : order) {
    left -= static_cast<double>(gap(i));
    if (left < 0 || gap(i) > options.max_gap_bytes) break;
    taken[i] = true;
  }
  return taken;
}

void merge_window(std::span<const ByteRange> reads, const MergeOptions& options,
                  std::vector<ByteRange>& out) {
  const std::vector<Piece> pieces = joined(reads, options.max_range_bytes);
  const std::vector<bool> taken = gaps_taken(pieces, options);
  std::vector<Piece> merged;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool fits = i > 0 && taken[i - 1] &&
                      pieces[i].end() - merged.back().range.offset <= options.max_range_bytes;
    if (!fits) {
      merged.push_back(pieces[i]);
      continue;
    }
    merged.back().range.bytes = pieces[i].end() - merged.back().range.offset;
    merged.back().first = std::min(merged.back().first, pieces[i].first);
  }
  std::ranges::sort(merged, {}, &Piece::first);
  for (const Piece& piece : merged) out.push_back(piece.range);
}

}  // namespace

std::vector<ByteRange> merge_ranges(std::span<const ByteRange> reads, const MergeOptions& options) {
  std::vector<ByteRange> ranges;
  int64_t window = options.first_window_bytes;
  for (size_t begin = 0; begin < reads.size();) {
    size_t end = begin;
    for (int64_t bytes = 0; end < reads.size() && (end == begin || bytes < window); ++end) {
      bytes += reads[end].bytes;
    }
    merge_window(reads.subspan(begin, end - begin), options, ranges);
    window = std::min(2 * window, options.max_window_bytes);
    begin = end;
  }
  return ranges;
}

}  // namespace lamella::io
