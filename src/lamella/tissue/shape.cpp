// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "lamella/base/parallel.h"
#include "lamella/tissue/bit_plane_internal.h"
#include "lamella/tissue/shape_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kBandRows = 512;
constexpr int kWallRadius = 2;  // a square of this radius does not fit into a thin wall
constexpr int kNearWalls = 33;  // side of the square in which walls are counted
// Of its pixels that are walls in fat and lung: 7 %.
constexpr int kFoamPx = kNearWalls * kNearWalls * 7 / 100;
constexpr int kWordPx = 64;
constexpr int kCountedWords = 4;  // walls are counted for so many words of a row at once

// What a thread needs for a band; kept, for fresh memory costs more than the work in it.
struct Scratch {
  BitPlane stained, closed, wide, walls, foam, bars;
  cv::Mat bytes, count;
};

// By an octagon: a square, then crosses.
void close_by(BitPlane& plane, int radius) {
  const int crosses = radius * 2 / 5, half_side = radius - crosses;
  plane.dilate(half_side);
  plane.dilate_by_cross(crosses);
  plane.erode(half_side);
  plane.erode_by_cross(crosses);
}

int64_t ones_of_words(const BitPlane& plane, int first, int last) {
  int64_t ones = 0;
  for (int y = 0; y < plane.height(); ++y) {
    for (int i = first; i < last; ++i) ones += std::popcount(plane.row(y)[i]);
  }
  return ones;
}

// Sets the words [first, last) of `foam` where walls are many around a pixel.
void count_walls(const BitPlane& walls, int first, int last, Scratch& scratch) {
  const int before = std::max(0, first - 1), behind = std::min(walls.words(), last + 1);
  if (ones_of_words(walls, before, behind) <= kFoamPx) return;
  const int width = std::min(walls.width(), behind * kWordPx) - before * kWordPx;
  scratch.bytes.create(walls.height(), width, CV_8UC1);
  for (int y = 0; y < walls.height(); ++y) {
    uint8_t* to = scratch.bytes.ptr<uint8_t>(y);
    const uint64_t* from = walls.row(y) + before;
    for (int x = 0; x < width; ++x) to[x] = (from[x / kWordPx] >> (x % kWordPx)) & 1;
  }
  cv::boxFilter(scratch.bytes, scratch.count, CV_16U, cv::Size(kNearWalls, kNearWalls),
                cv::Point(-1, -1), false, cv::BORDER_CONSTANT);
  for (int y = 0; y < walls.height(); ++y) {
    const uint16_t* count = scratch.count.ptr<uint16_t>(y);
    uint64_t* to = scratch.foam.row(y);
    for (int x = (first - before) * kWordPx; x < std::min(width, (last - before) * kWordPx); ++x) {
      to[before + x / kWordPx] |= uint64_t{count[x] > kFoamPx} << (x % kWordPx);
    }
  }
}

// Sets `foam` where thin walls are many; false where they are nowhere.
bool find_foam(Scratch& scratch) {
  static_assert(kNearWalls / 2 <= kWordPx);
  BitPlane& solid = scratch.wide;
  solid = scratch.stained;
  solid.erode(kWallRadius);
  solid.dilate(kWallRadius);
  solid.dilate(1);
  scratch.walls = scratch.stained;
  scratch.walls.subtract(solid);
  if (scratch.walls.count() <= kFoamPx) return false;
  scratch.foam.set_zero(scratch.walls.width(), scratch.walls.height());
  const int words = scratch.walls.words();
  for (int first = 0; first < words; first += kCountedWords) {
    count_walls(scratch.walls, first, std::min(words, first + kCountedWords), scratch);
  }
  return scratch.foam.count() > 0;
}

// `closed` of `stained`.
void close_band(const ShapeOptions& options, bool barred, Scratch& scratch) {
  scratch.closed = scratch.stained;
  close_by(scratch.closed, options.gap_px);
  if (find_foam(scratch)) {
    scratch.wide = scratch.stained;
    close_by(scratch.wide, options.air_px);
    scratch.wide.intersect(scratch.foam);
    scratch.closed.unite(scratch.wide);
  }
  if (barred) scratch.closed.subtract(scratch.bars);
  scratch.closed.erode_by_cross(1);
  scratch.closed.dilate_by_cross(1);
}

ImageView rows_of(const ImageView& image, int first, int last) {
  return {image.row(first), image.width, last - first, image.channels, image.stride};
}

}  // namespace

void close_tissue(const ImageView& stained, const ImageView& barred, const ShapeOptions& options,
                  const MutableImageView& mask, int threads) {
  const int wall = 2 * kWallRadius + 1 + kNearWalls / 4;
  const int halo = 2 * std::max({options.gap_px, options.air_px, wall}) + 2;
  std::vector<Scratch> all(static_cast<size_t>(threads));
  parallel_for(
      (stained.height + kBandRows - 1) / kBandRows, threads, [&](int64_t band, int worker) {
        const int first = static_cast<int>(band) * kBandRows;
        const int last = std::min(stained.height, first + kBandRows);
        const int top = std::max(0, first - halo), bottom = std::min(stained.height, last + halo);
        const MutableImageView out = {mask.row(first), mask.width, last - first, 1, mask.stride};
        Scratch& scratch = all[static_cast<size_t>(worker)];
        scratch.stained.load(rows_of(stained, top, bottom));
        if (barred.data) scratch.bars.load(rows_of(barred, top, bottom));
        const int64_t count = scratch.stained.count();
        const bool whole = !barred.data && count == int64_t{stained.width} * (bottom - top);
        if (count == 0 || whole) {
          scratch.stained.store(first - top, 255, out);
          return;
        }
        close_band(options, barred.data != nullptr, scratch);
        scratch.closed.store(first - top, 255, out);
      });
}

}  // namespace lamella::tissue
