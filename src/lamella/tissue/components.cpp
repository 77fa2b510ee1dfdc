// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "lamella/tissue/components_internal.h"

namespace lamella::tissue {

namespace {

constexpr uint8_t kTissue = 255;

struct Run {
  int32_t first, last;  // [first, last) of its row
  uint32_t parent;      // a run of the same piece, at most this one; itself: the piece's first run
};

struct Runs {
  std::vector<Run> runs;           // row by row
  std::vector<size_t> row_begins;  // rows + 1
};

struct Piece {
  int64_t area_px = 0;
  bool at_edge = false;
  // Sums over pixels, and the box around them.
  int64_t x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  int32_t left = 0, right = 0, top = 0, bottom = 0;

  void add(const Run& run, int32_t row);
  // Standard deviation across the direction in which the piece is longest.
  double spread_across() const;
  double length() const { return std::hypot(right - left, bottom - top); }
};

void Piece::add(const Run& run, int32_t row) {
  const int64_t n = run.last - run.first, last = run.last - 1, first = run.first;
  // 0 + 1 + ... and 0 + 1 + 4 + ... up to `last`, less those up to the one before `first`.
  const auto squares = [](int64_t m) { return m * (m + 1) * (2 * m + 1) / 6; };
  const int64_t sum = (first + last) * n / 2;
  left = area_px == 0 ? run.first : std::min(left, run.first);
  right = area_px == 0 ? run.last : std::max(right, run.last);
  top = area_px == 0 ? row : top;
  bottom = row + 1;
  area_px += n;
  x += sum, y += n * row;
  xx += squares(last) - squares(first - 1), xy += sum * row, yy += n * row * row;
}

double Piece::spread_across() const {
  const auto n = static_cast<double>(area_px);
  const double mx = static_cast<double>(x) / n, my = static_cast<double>(y) / n;
  const double vx = static_cast<double>(xx) / n - mx * mx;
  const double vy = static_cast<double>(yy) / n - my * my;
  const double cov = static_cast<double>(xy) / n - mx * my;
  const double least = (vx + vy) / 2 - std::hypot((vx - vy) / 2, cov);
  return std::sqrt(std::max(0.0, least));
}

int find_value(const uint8_t* row, int from, int width, uint8_t value) {
  if (from >= width) return width;
  const void* found = std::memchr(row + from, value, static_cast<size_t>(width - from));
  return found ? static_cast<int>(static_cast<const uint8_t*>(found) - row) : width;
}

uint32_t root_of(std::vector<Run>& runs, uint32_t index) {
  while (runs[index].parent != index) {
    runs[index].parent = runs[runs[index].parent].parent;
    index = runs[index].parent;
  }
  return index;
}

void join(std::vector<Run>& runs, uint32_t a, uint32_t b) {
  a = root_of(runs, a);
  b = root_of(runs, b);
  runs[std::max(a, b)].parent = std::min(a, b);
}

// Joins the runs of two rows, [above, here) and [here, end), that touch; `reach` 1: at corners too.
void join_rows(std::vector<Run>& runs, size_t above, size_t here, int reach) {
  for (size_t up = above, down = here; up < here && down < runs.size();) {
    const bool touch =
        runs[up].first < runs[down].last + reach && runs[down].first < runs[up].last + reach;
    if (touch) join(runs, static_cast<uint32_t>(up), static_cast<uint32_t>(down));
    // The one that ends first cannot touch what follows the other.
    runs[up].last < runs[down].last ? ++up : ++down;
  }
}

// The runs of `value`, joined to pieces.
Runs find_runs(const MutableImageView& mask, uint8_t value, int reach) {
  const auto other = static_cast<uint8_t>(kTissue - value);
  Runs result;
  result.row_begins.reserve(static_cast<size_t>(mask.height) + 1);
  size_t above = 0;
  for (int y = 0; y < mask.height; ++y) {
    const size_t here = result.runs.size();
    result.row_begins.push_back(here);
    const uint8_t* row = mask.row(y);
    for (int x = find_value(row, 0, mask.width, value); x < mask.width;) {
      const int last = find_value(row, x, mask.width, other);
      result.runs.push_back({x, last, static_cast<uint32_t>(result.runs.size())});
      x = find_value(row, last, mask.width, value);
    }
    join_rows(result.runs, above, here, reach);
    above = here;
  }
  result.row_begins.push_back(result.runs.size());
  return result;
}

// By the index of a piece's first run.
std::vector<Piece> measure(Runs& found, const MutableImageView& mask) {
  std::vector<Piece> pieces(found.runs.size());
  for (int y = 0; y < mask.height; ++y) {
    const bool edge_row = y == 0 || y + 1 == mask.height;
    for (size_t i = found.row_begins[static_cast<size_t>(y)];
         i < found.row_begins[static_cast<size_t>(y) + 1]; ++i) {
      const Run run = found.runs[i];
      Piece& piece = pieces[root_of(found.runs, static_cast<uint32_t>(i))];
      piece.add(run, y);
      piece.at_edge = piece.at_edge || edge_row || run.first == 0 || run.last == mask.width;
    }
  }
  return pieces;
}

// Turns the pieces of `value` for which `turn` holds.
template <typename Turn>
void turn_pieces(const MutableImageView& mask, uint8_t value, int reach, const Turn& turn) {
  Runs found = find_runs(mask, value, reach);
  const std::vector<Piece> pieces = measure(found, mask);
  const int other = kTissue - value;
  for (int y = 0; y < mask.height; ++y) {
    for (size_t i = found.row_begins[static_cast<size_t>(y)];
         i < found.row_begins[static_cast<size_t>(y) + 1]; ++i) {
      if (!turn(pieces[root_of(found.runs, static_cast<uint32_t>(i))])) continue;
      const Run& run = found.runs[i];
      std::memset(mask.row(y) + run.first, other, static_cast<size_t>(run.last - run.first));
    }
  }
}

}  // namespace

void drop_small_pieces(const MutableImageView& mask, double min_area_px) {
  turn_pieces(mask, kTissue, 1,
              [&](const Piece& piece) { return static_cast<double>(piece.area_px) < min_area_px; });
}

void fill_small_holes(const MutableImageView& mask, double max_hole_px) {
  turn_pieces(mask, 0, 0, [&](const Piece& piece) {
    return !piece.at_edge && static_cast<double>(piece.area_px) < max_hole_px;
  });
}

void drop_straight_lines(const MutableImageView& mask, double min_length_px, double max_width_px) {
  turn_pieces(mask, kTissue, 1, [&](const Piece& piece) {
    const double length = piece.length();
    if (length < min_length_px || static_cast<double>(piece.area_px) >= max_width_px * length) {
      return false;
    }
    // Evenly spread over a width w the standard deviation is w / sqrt(12).
    return piece.spread_across() * std::sqrt(12.0) < max_width_px;
  });
}

}  // namespace lamella::tissue
