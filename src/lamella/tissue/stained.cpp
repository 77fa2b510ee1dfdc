// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>
#include <opencv2/imgproc.hpp>

#include "lamella/tissue/components_internal.h"
#include "lamella/tissue/stained_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kInkAround = 7, kMaybeInkAround = 17, kPaddingAround = 5;  // sides of squares
constexpr int kEdgePart = 40;  // percent of the densest neighbour
// A grey slide's tissue varies by this part of its density; a shadow does not.
constexpr double kLeastTexture = 0.035;
constexpr int kTexturePx = 9;
constexpr double kTextureSigma = 2;

cv::Mat square(int side) { return cv::Mat::ones(side, side, CV_8UC1); }

// OpenCV has no read-only matrix; nothing writes to it.
cv::Mat as_mat(const ImageView& image) {
  return cv::Mat(image.height, image.width, CV_8UC(image.channels),
                 const_cast<uint8_t*>(image.data), static_cast<size_t>(image.stride));
}

ImageView rows_of(const ImageView& image, int first, int last) {
  return {image.row(first), image.width, last - first, image.channels, image.stride};
}

// 255 where any of `bits` is set.
cv::Mat with_flag(const ImageView& flags, int bits) {
  cv::Mat result;
  cv::bitwise_and(as_mat(flags), cv::Scalar(bits), result);
  return result > 0;
}

void bar_ink(const StainedInput& input, int bits, double min_ink_px, cv::Mat& barred) {
  cv::Mat ink = with_flag(input.flags, bits);
  // Where nothing is dense the bit of kBlackestInk means kFlat.
  ink.setTo(0, as_mat(input.steps) == 0);
  cv::morphologyEx(ink, ink, cv::MORPH_OPEN, square(3));
  drop_small_pieces({ink.data, ink.cols, ink.rows, 1, static_cast<ptrdiff_t>(ink.step)},
                    min_ink_px);
  if (cv::countNonZero(ink) == 0) return;
  cv::Mat near, far;
  cv::dilate(ink, near, square(kInkAround));
  cv::dilate(ink, far, square(kMaybeInkAround));
  barred.setTo(kBarredInk, near | (far & with_flag(input.flags, kMaybeInk)));
}

// 255 where a grey picture varies as tissue does. The same for a part with kTexturePx rows around.
cv::Mat textured(const ImageView& picture, const cv::Mat& steps) {
  cv::Mat light(picture.height, picture.width, CV_8UC1), soft, squares, sums;
  for (int y = 0; y < picture.height; ++y) {
    const uint8_t* rgb = picture.row(y);
    uint8_t* to = light.ptr<uint8_t>(y);
    for (int x = 0; x < picture.width; ++x) to[x] = static_cast<uint8_t>(luminance(rgb + 3 * x));
  }
  cv::GaussianBlur(light, soft, cv::Size(kTexturePx, kTexturePx), kTextureSigma, kTextureSigma,
                   cv::BORDER_REPLICATE);
  cv::Mat difference;
  cv::absdiff(light, soft, difference);
  difference.convertTo(squares, CV_16UC1);
  squares = squares.mul(squares);
  cv::boxFilter(squares, sums, CV_32S, cv::Size(kTexturePx, kTexturePx), cv::Point(-1, -1), false,
                cv::BORDER_REPLICATE);
  cv::Mat result(light.rows, light.cols, CV_8UC1);
  for (int y = 0; y < light.rows; ++y) {
    for (int x = 0; x < light.cols; ++x) {
      const double least =
          kLeastTexture * steps.at<uint8_t>(y, x) / kStepsPerDensity * light.at<uint8_t>(y, x);
      const double mean = static_cast<double>(sums.at<int>(y, x)) / (kTexturePx * kTexturePx);
      result.at<uint8_t>(y, x) = mean > least * least ? 255 : 0;
    }
  }
  return result;
}

// How many pixels from `steps` on are not above `step`: whole sixteens.
int faint_pixels(const uint8_t* steps, int count, int step) {
  const cv::v_uint8x16 most = cv::v_setall_u8(static_cast<uint8_t>(step));
  int x = 0;
  while (x + 16 <= count && cv::v_check_all(cv::v_load(steps + x) <= most)) x += 16;
  return x;
}

}  // namespace

Image find_barred(const StainedInput& input, const DensityCounts& counts, double min_ink_px) {
  const int64_t black = input.coloured ? counts.black_ink : counts.blackest_ink;
  const bool ink = static_cast<double>(counts.ink + black) >= min_ink_px && counts.ink + black > 0;
  if (!ink && counts.dark == 0) return {};
  Image result(input.flags.width, input.flags.height, 1);
  cv::Mat barred(result.height(), result.width(), CV_8UC1, result.row(0));
  if (ink) bar_ink(input, kInk | (input.coloured ? kBlackInk : kBlackestInk), min_ink_px, barred);
  if (counts.dark > 0) {
    cv::Mat around;
    cv::dilate(with_flag(input.flags, kDark), around, square(kPaddingAround));
    barred.setTo(kBarredPadding, around);
  }
  return result;
}

void mark_stained(const StainedInput& input, int first, int last, cv::Mat& densest,
                  const MutableImageView& stained) {
  const int halo = input.coloured ? 1 : kTexturePx;
  const int top = std::max(0, first - halo), bottom = std::min(input.flags.height, last + halo);
  const cv::Mat steps = as_mat(rows_of(input.steps, top, bottom));
  cv::Mat texture;
  cv::dilate(steps, densest, square(3));
  if (!input.coloured) texture = textured(rows_of(input.picture, top, bottom), steps);
  for (int y = first; y < last; ++y) {
    const uint8_t* flag = input.flags.row(y);
    const uint8_t* step = steps.ptr<uint8_t>(y - top);
    const uint8_t* near = densest.ptr<uint8_t>(y - top);
    const uint8_t* rough = input.coloured ? nullptr : texture.ptr<uint8_t>(y - top);
    uint8_t* out = stained.row(y);
    for (int x = 0; x < input.flags.width; ++x) {
      if (x % 16 == 0) x += faint_pixels(step + x, input.flags.width - x, input.step);
      if (x >= input.flags.width) break;
      if (step[x] <= input.step || 100 * step[x] <= kEdgePart * near[x]) continue;
      if ((flag[x] & (kDark | kWhite)) != 0) continue;
      out[x] = rough ? rough[x] != 0 : (flag[x] & kColoured) != 0;
    }
  }
  if (!input.barred.data) return;
  clear_barred(rows_of(input.barred, first, last),
               {stained.row(first), stained.width, last - first, 1, stained.stride});
}

void clear_barred(const ImageView& barred, const MutableImageView& mask) {
  if (barred.data) as_mat(mask).setTo(0, as_mat(barred));
}

}  // namespace lamella::tissue
