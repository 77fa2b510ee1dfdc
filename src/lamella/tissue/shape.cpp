// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "lamella/base/parallel.h"
#include "lamella/tissue/shape_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kBlockPx = 256;
constexpr int kWallPx = 5;      // a square of this side does not fit into a thin wall
constexpr int kNearWalls = 33;  // side of the square in which walls are counted
// Of its pixels that are walls in fat and lung: 7 %.
constexpr int kFoamPx = kNearWalls * kNearWalls * 7 / 100;

cv::Mat square(int side) { return cv::Mat::ones(side, side, CV_8UC1); }

// An octagon: a square, then crosses.
struct Octagon {
  explicit Octagon(int radius) : crosses(radius * 2 / 5), half_side(radius - crosses) {}
  int crosses, half_side;
};

// What a thread needs for a block; kept, for fresh memory costs more than the work in it.
struct Scratch {
  cv::Mat closed, wide, grown, solid, walls, count, foam, opened;
};

void close_by(const cv::Mat& mask, int radius, cv::Mat& grown, cv::Mat& result) {
  if (radius == 0) {
    mask.copyTo(result);
    return;
  }
  const Octagon shape(radius);
  const cv::Mat side = square(2 * shape.half_side + 1);
  const cv::Mat cross = cv::getStructuringElement(cv::MORPH_CROSS, cv::Size(3, 3));
  const cv::Point middle(-1, -1);
  cv::dilate(mask, grown, side);
  if (shape.crosses > 0) cv::dilate(grown, grown, cross, middle, shape.crosses);
  cv::erode(grown, result, side);
  if (shape.crosses > 0) cv::erode(result, result, cross, middle, shape.crosses);
}

// Sets `foam` to 1 where thin walls are many; false where they are nowhere.
bool find_foam(const cv::Mat& stained, Scratch& scratch) {
  cv::morphologyEx(stained, scratch.solid, cv::MORPH_OPEN, square(kWallPx));
  cv::dilate(scratch.solid, scratch.solid, square(3));
  cv::subtract(stained, scratch.solid, scratch.walls);
  if (cv::countNonZero(scratch.walls) <= kFoamPx) return false;
  cv::boxFilter(scratch.walls, scratch.count, CV_32S, cv::Size(kNearWalls, kNearWalls),
                cv::Point(-1, -1), false, cv::BORDER_CONSTANT);
  cv::compare(scratch.count, kFoamPx, scratch.foam, cv::CMP_GT);
  return cv::countNonZero(scratch.foam) > 0;
}

cv::Mat part_of(const ImageView& image, const cv::Rect& part) {
  // OpenCV has no read-only matrix; nothing writes to it.
  return cv::Mat(part.height, part.width, CV_8UC1, const_cast<uint8_t*>(image.row(part.y)) + part.x,
                 static_cast<size_t>(image.stride));
}

// Of a part that is as large as what the passes see around it.
const cv::Mat& close_part(const cv::Mat& stained, const cv::Mat& barred,
                          const ShapeOptions& options, Scratch& scratch) {
  const int count = cv::countNonZero(stained);
  if (count == 0 || (barred.empty() && count == stained.rows * stained.cols)) {
    stained.copyTo(scratch.opened);
    return scratch.opened;
  }
  close_by(stained, options.gap_px, scratch.grown, scratch.closed);
  if (find_foam(stained, scratch)) {
    close_by(stained, options.air_px, scratch.grown, scratch.wide);
    cv::bitwise_and(scratch.wide, scratch.foam, scratch.wide);
    cv::bitwise_or(scratch.closed, scratch.wide, scratch.closed);
  }
  if (!barred.empty()) scratch.closed.setTo(0, barred);
  const cv::Mat cross = cv::getStructuringElement(cv::MORPH_CROSS, cv::Size(3, 3));
  cv::morphologyEx(scratch.closed, scratch.opened, cv::MORPH_OPEN, cross);
  return scratch.opened;
}

}  // namespace

void close_tissue(const ImageView& stained, const ImageView& barred, const ShapeOptions& options,
                  const MutableImageView& mask, int threads) {
  const int halo = 2 * std::max({options.gap_px, options.air_px, kWallPx + kNearWalls / 4}) + 2;
  const int64_t across = (stained.width + kBlockPx - 1) / kBlockPx;
  const int64_t down = (stained.height + kBlockPx - 1) / kBlockPx;
  const cv::Rect whole(0, 0, stained.width, stained.height);
  std::vector<Scratch> scratch(static_cast<size_t>(threads));
  parallel_for(across * down, threads, [&](int64_t block, int worker) {
    const cv::Rect own = cv::Rect(static_cast<int>(block % across) * kBlockPx,
                                  static_cast<int>(block / across) * kBlockPx, kBlockPx, kBlockPx) &
                         whole;
    const cv::Rect seen =
        cv::Rect(own.x - halo, own.y - halo, own.width + 2 * halo, own.height + 2 * halo) & whole;
    const cv::Mat bars = barred.data ? part_of(barred, seen) : cv::Mat();
    const cv::Mat& closed =
        close_part(part_of(stained, seen), bars, options, scratch[static_cast<size_t>(worker)]);
    cv::Mat out(own.height, own.width, CV_8UC1, mask.row(own.y) + own.x,
                static_cast<size_t>(mask.stride));
    cv::compare(closed(own - seen.tl()), 0, out, cv::CMP_NE);
  });
}

}  // namespace lamella::tissue
