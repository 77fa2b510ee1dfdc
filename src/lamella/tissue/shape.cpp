// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

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

cv::Mat close_by(const cv::Mat& mask, int radius) {
  if (radius == 0) return mask.clone();
  const Octagon shape(radius);
  const cv::Mat side = square(2 * shape.half_side + 1);
  const cv::Mat cross = cv::getStructuringElement(cv::MORPH_CROSS, cv::Size(3, 3));
  const cv::Point middle(-1, -1);
  cv::Mat grown, result;
  cv::dilate(mask, grown, side);
  if (shape.crosses > 0) cv::dilate(grown, grown, cross, middle, shape.crosses);
  cv::erode(grown, result, side);
  if (shape.crosses > 0) cv::erode(result, result, cross, middle, shape.crosses);
  return result;
}

// 1 where thin walls are many.
cv::Mat foam(const cv::Mat& stained) {
  cv::Mat solid, walls, count;
  cv::morphologyEx(stained, solid, cv::MORPH_OPEN, square(kWallPx));
  cv::dilate(solid, solid, square(3));
  cv::bitwise_not(solid, solid);
  cv::bitwise_and(stained, solid, walls);
  cv::boxFilter(walls, count, CV_32S, cv::Size(kNearWalls, kNearWalls), cv::Point(-1, -1), false,
                cv::BORDER_CONSTANT);
  cv::Mat result(count.rows, count.cols, CV_8UC1);
  for (int y = 0; y < count.rows; ++y) {
    const int* from = count.ptr<int>(y);
    uint8_t* to = result.ptr<uint8_t>(y);
    for (int x = 0; x < count.cols; ++x) to[x] = from[x] > kFoamPx;
  }
  return result;
}

cv::Mat part_of(const ImageView& image, const cv::Rect& part) {
  // OpenCV has no read-only matrix; nothing writes to it.
  return cv::Mat(part.height, part.width, CV_8UC1, const_cast<uint8_t*>(image.row(part.y)) + part.x,
                 static_cast<size_t>(image.stride));
}

// Of a part that is as large as what the passes see around it.
cv::Mat closed_part(const cv::Mat& stained, const cv::Mat& barred, const ShapeOptions& options) {
  const int count = cv::countNonZero(stained);
  cv::Mat closed;
  if (count == 0 || (barred.empty() && count == stained.rows * stained.cols)) {
    stained.copyTo(closed);
    return closed;
  }
  closed = close_by(stained, options.gap_px);
  const cv::Mat is_foam = foam(stained);
  if (cv::countNonZero(is_foam) > 0) closed |= close_by(stained, options.air_px) & is_foam;
  if (!barred.empty()) closed.setTo(0, barred);
  cv::Mat opened;
  cv::morphologyEx(closed, opened, cv::MORPH_OPEN,
                   cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(3, 3)));
  return opened;
}

}  // namespace

void close_tissue(const ImageView& stained, const ImageView& barred, const ShapeOptions& options,
                  const MutableImageView& mask, int threads) {
  const int halo = 2 * std::max({options.gap_px, options.air_px, kWallPx + kNearWalls / 4}) + 2;
  const int64_t across = (stained.width + kBlockPx - 1) / kBlockPx;
  const int64_t down = (stained.height + kBlockPx - 1) / kBlockPx;
  const cv::Rect whole(0, 0, stained.width, stained.height);
  parallel_for(across * down, threads, [&](int64_t block, int) {
    const cv::Rect own = cv::Rect(static_cast<int>(block % across) * kBlockPx,
                                  static_cast<int>(block / across) * kBlockPx, kBlockPx, kBlockPx) &
                         whole;
    const cv::Rect seen =
        cv::Rect(own.x - halo, own.y - halo, own.width + 2 * halo, own.height + 2 * halo) & whole;
    const cv::Mat bars = barred.data ? part_of(barred, seen) : cv::Mat();
    const cv::Mat closed = closed_part(part_of(stained, seen), bars, options);
    cv::Mat out(own.height, own.width, CV_8UC1, mask.row(own.y) + own.x,
                static_cast<size_t>(mask.stride));
    cv::compare(closed(own - seen.tl()), 0, out, cv::CMP_NE);
  });
}

}  // namespace lamella::tissue
