// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "lamella/heatmap/overlay_internal.h"

namespace lamella::heatmap {

namespace {

constexpr size_t kMostCharacters = 28;

// Those that stand out from stained tissue come first.
constexpr std::array<std::array<int, 3>, 8> kColours = {{{0, 114, 178},
                                                         {230, 159, 0},
                                                         {0, 158, 115},
                                                         {213, 94, 0},
                                                         {240, 228, 66},
                                                         {86, 180, 233},
                                                         {0, 0, 0},
                                                         {204, 121, 167}}};

std::string shortened(const std::string& name) {
  const std::string text = ascii(name);
  return text.size() <= kMostCharacters ? text : text.substr(0, kMostCharacters - 3) + "...";
}

int line_height(const Layout& layout) { return layout.unit * 3 / 2; }

}  // namespace

cv::Mat class_colours(int count) {
  cv::Mat colours(1, count, CV_8UC3);
  for (int k = 0; k < count; ++k) {
    const auto& base = kColours[static_cast<size_t>(k) % kColours.size()];
    // Each round of eight goes another step towards black, then towards white.
    const int round = k / static_cast<int>(kColours.size());
    const double step = std::min(0.8, 0.2 * ((round + 1) / 2));
    for (int c = 0; c < 3; ++c) {
      const int towards = round % 2 == 0 ? 255 : 0;
      const double value = base[static_cast<size_t>(c)];
      colours.at<cv::Vec3b>(k)[c] =
          static_cast<uint8_t>(std::lround(value + (towards - value) * step));
    }
  }
  return colours;
}

cv::Size legend_size(const ClassTable& classes, const Layout& layout) {
  int width = 0;
  for (const std::string& name : classes.names) {
    width = std::max(width, cv::getTextSize(shortened(name), kFont, layout.font, 1, nullptr).width);
  }
  return {layout.unit * 3 / 2 + width, line_height(layout) * classes.count()};
}

void draw_legend(cv::Mat& canvas, const Layout& layout, const ClassTable& classes,
                 const cv::Mat& colours) {
  for (int k = 0; k < classes.count(); ++k) {
    const auto colour = colours.at<cv::Vec3b>(k);
    const cv::Rect box(layout.bar.x, layout.bar.y + k * line_height(layout), layout.unit,
                       layout.unit);
    cv::rectangle(canvas, box, cv::Scalar(colour[0], colour[1], colour[2]), cv::FILLED);
    cv::rectangle(canvas, box, kFrame);
    put_text(canvas, shortened(classes.name(k)),
             {box.x + layout.unit * 3 / 2, box.y + layout.unit * 4 / 5}, layout.font);
  }
}

}  // namespace lamella::heatmap
