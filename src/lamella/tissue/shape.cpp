// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "lamella/base/parallel.h"
#include "lamella/tissue/shape_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kBandRows = 256;
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
  cv::Mat result = mask.clone();
  if (radius == 0) return result;
  const Octagon shape(radius);
  const cv::Mat side = square(2 * shape.half_side + 1);
  const cv::Mat cross = cv::getStructuringElement(cv::MORPH_CROSS, cv::Size(3, 3));
  const cv::Point middle(-1, -1);
  cv::dilate(result, result, side);
  if (shape.crosses > 0) cv::dilate(result, result, cross, middle, shape.crosses);
  cv::erode(result, result, side);
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

cv::Mat rows_of(const ImageView& image, int first, int last) {
  // OpenCV has no read-only matrix; nothing writes to it.
  return cv::Mat(last - first, image.width, CV_8UC1, const_cast<uint8_t*>(image.row(first)),
                 static_cast<size_t>(image.stride));
}

}  // namespace

void close_tissue(const ImageView& stained, const ImageView& barred, const ShapeOptions& options,
                  const MutableImageView& mask, int threads) {
  const int halo = 2 * std::max({options.gap_px, options.air_px, kWallPx + kNearWalls / 4}) + 2;
  const int64_t bands = (stained.height + kBandRows - 1) / kBandRows;
  parallel_for(bands, threads, [&](int64_t band, int) {
    const int first = static_cast<int>(band) * kBandRows;
    const int last = std::min(stained.height, first + kBandRows);
    const int top = std::max(0, first - halo), bottom = std::min(stained.height, last + halo);
    const cv::Mat rows = rows_of(stained, top, bottom);
    cv::Mat closed = close_by(rows, options.gap_px);
    const cv::Mat is_foam = foam(rows);
    if (cv::countNonZero(is_foam) > 0) {
      closed |= close_by(rows, options.air_px) & is_foam;
    }
    if (barred.data) closed.setTo(0, rows_of(barred, top, bottom));
    cv::morphologyEx(closed, closed, cv::MORPH_OPEN,
                     cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(3, 3)));
    for (int y = first; y < last; ++y) {
      const uint8_t* from = closed.ptr<uint8_t>(y - top);
      std::transform(from, from + stained.width, mask.row(y),
                     [](uint8_t value) { return value ? uint8_t{255} : uint8_t{0}; });
    }
  });
}

}  // namespace lamella::tissue
