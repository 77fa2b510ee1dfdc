// SPDX-License-Identifier: Apache-2.0
// What the parts of the picture share: lengths, text, and the legend of classes.
#pragma once

#include <opencv2/imgproc.hpp>
#include <string>

#include "lamella/heatmap/heatmap.h"

namespace lamella::heatmap {

inline const cv::Scalar kInk(40, 40, 40), kFrame(150, 150, 150), kWhite(255, 255, 255);
inline constexpr int kFont = cv::FONT_HERSHEY_DUPLEX;

// All lengths follow the picture's size, so that text reads the same on any.
struct Layout {
  int unit;  // about a line of text
  cv::Rect slide;
  cv::Rect bar;
  cv::Size canvas;
  double font;
};

void put_text(cv::Mat& canvas, const std::string& text, cv::Point left_bottom, double scale);
// Hershey fonts know ASCII only: other characters become question marks.
std::string ascii(const std::string& from);

// A colour for each class, 1 x count RGB. The first eight are those of Okabe and Ito, which people
// tell apart whatever colours they see; more are the same in darker and lighter.
cv::Mat class_colours(int count);
// Of the legend, which begins at the bar's corner.
cv::Size legend_size(const ClassTable& classes, const Layout& layout);
// Colour and name of every class, in their order.
void draw_legend(cv::Mat& canvas, const Layout& layout, const ClassTable& classes,
                 const cv::Mat& colours);

}  // namespace lamella::heatmap
