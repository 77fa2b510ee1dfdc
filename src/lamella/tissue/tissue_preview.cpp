// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

namespace {

using Colour = std::array<uint8_t, 3>;

struct Kind {
  LeftOut why;
  Colour colour;
  const char* words;
};

constexpr Colour kOutline = {0, 150, 60};
constexpr std::array<Kind, 4> kKinds = {{{LeftOut::kInk, {230, 0, 200}, "ink"},
                                         {LeftOut::kShadow, {0, 110, 255}, "shadow, dust, edge"},
                                         {LeftOut::kSmall, {255, 140, 0}, "small, thin"},
                                         {LeftOut::kNeverImaged, {150, 150, 150}, "not imaged"}}};
constexpr int kOutlinePx = 2;  // wide, inside the tissue
constexpr int kHatchPx = 8;    // what was never imaged is hatched, its own colour is seen
constexpr int kLegendPx = 24;  // height
constexpr int kSwatchPx = 12;

// What `image` (of the mask's size) says at the middle of each pixel of a picture.
class Sampled {
 public:
  Sampled(const Image& image, int width, int height)
      : image_(image), width_(width), height_(height) {}
  uint8_t at(int x, int y) const {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return 0;
    const int64_t mx = (2 * int64_t{x} + 1) * image_.width() / (2 * int64_t{width_});
    const int64_t my = (2 * int64_t{y} + 1) * image_.height() / (2 * int64_t{height_});
    return image_.row(static_cast<int>(my))[mx];
  }

 private:
  const Image& image_;
  int width_, height_;
};

void mix(uint8_t* pixel, const Colour& colour) {
  for (size_t c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>((pixel[c] + colour[c]) / 2);
}

// Returns which kinds occur.
std::array<bool, kKinds.size()> tint(const Image& left_out, Image& picture) {
  std::array<bool, kKinds.size()> seen{};
  const Sampled why(left_out, picture.width(), picture.height());
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      const auto found = static_cast<LeftOut>(why.at(x, y));
      if (found == LeftOut::kNothing) continue;
      for (size_t i = 0; i < kKinds.size(); ++i) {
        if (kKinds[i].why != found) continue;
        seen[i] = true;
        if (found == LeftOut::kNeverImaged && (x + y) % kHatchPx != 0) continue;
        mix(picture.row(y) + ptrdiff_t{3} * x, kKinds[i].colour);
      }
    }
  }
  return seen;
}

void outline(const Image& mask, Image& picture) {
  const Sampled tissue(mask, picture.width(), picture.height());
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      if (!tissue.at(x, y)) continue;
      if (tissue.at(x - kOutlinePx, y) && tissue.at(x + kOutlinePx, y) &&
          tissue.at(x, y - kOutlinePx) && tissue.at(x, y + kOutlinePx)) {
        continue;
      }
      std::copy_n(kOutline.data(), 3, picture.row(y) + ptrdiff_t{3} * x);
    }
  }
}

// Writes "swatch words" and returns where the next begins.
int add_entry(cv::Mat& strip, int x, const Colour& colour, const char* words) {
  const cv::Rect swatch(x, (kLegendPx - kSwatchPx) / 2, kSwatchPx, kSwatchPx);
  cv::rectangle(strip, swatch, cv::Scalar(colour[0], colour[1], colour[2]), cv::FILLED);
  constexpr double kScale = 0.4;
  const int font = cv::FONT_HERSHEY_SIMPLEX;
  const int text_x = x + kSwatchPx + 5;
  cv::putText(strip, words, {text_x, kLegendPx - 8}, font, kScale, cv::Scalar(30, 30, 30), 1,
              cv::LINE_AA);
  int baseline = 0;
  return text_x + cv::getTextSize(words, font, kScale, 1, &baseline).width + 14;
}

Image with_legend(const Image& picture, const std::array<bool, kKinds.size()>& seen) {
  Image result(picture.width(), picture.height() + kLegendPx, 3, 255);
  copy_pixels(picture.view(), crop(result.view(), {0, 0, picture.width(), picture.height()}));
  cv::Mat strip(kLegendPx, picture.width(), CV_8UC3, result.row(picture.height()));
  int x = add_entry(strip, 6, kOutline, "tissue");
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (seen[i]) x = add_entry(strip, x, kKinds[i].colour, kKinds[i].words);
  }
  return result;
}

}  // namespace

Image draw_tissue_preview(const slide::Slide& slide, const TissueMask& mask, int max_px) {
  Image picture = slide::read_thumbnail(slide, max_px);
  std::array<bool, kKinds.size()> seen{};
  if (!mask.left_out.empty()) seen = tint(mask.left_out, picture);
  outline(mask.mask, picture);
  return with_legend(picture, seen);
}

}  // namespace lamella::tissue
