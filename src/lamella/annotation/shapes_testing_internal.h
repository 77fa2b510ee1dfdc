// SPDX-License-Identifier: Apache-2.0
// What tests of formats share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lamella/annotation/convert_shapes.h"
#include "lamella/annotation/formats.h"
#include "lamella/annotation/repair.h"
#include "lamella/base/error.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::annotation::test {

struct Kept final : ShapeSink {
  std::vector<Shape> shapes;
  std::vector<ShapeGroup> groups;
  std::vector<std::string> notes;
  void take(Shape&& shape) override { shapes.push_back(std::move(shape)); }
  void declare(const ShapeGroup& group) override { groups.push_back(group); }
};

// A slide of 1000 x 800 px of 0.5 µm, whose centre lies 1 µm right and 2 µm above the glass's.
inline SlideFrame glass() {
  SlideFrame frame{.size_px = {1000, 800}};
  frame.mpp = Mpp{0.5, 0.5};
  frame.offset_from_centre_nm = PointF{1000, -2000};
  return frame;
}

inline Kept read_text(const std::string& text, const std::string& format = {},
                      const SlideFrame* frame = nullptr) {
  Kept kept;
  io::TextStream stream = io::TextStream::of_text(text, "a.file");
  const AnnotationFormat& known =
      format.empty() ? require_format(stream) : annotation_format(format);
  known.read(stream, {.frame = frame, .notes = &kept.notes}, kept);
  return kept;
}

inline Kept read_file(const std::string& path, const SlideFrame* frame = nullptr) {
  Kept kept;
  read_shapes(path, {}, {.frame = frame, .notes = &kept.notes}, kept);
  return kept;
}

inline Shape area_shape(std::vector<PointF> ring, std::vector<std::vector<PointF>> holes = {}) {
  Shape shape;
  shape.kind = ShapeKind::kAreas;
  shape.areas.push_back({std::move(ring), std::move(holes)});
  return shape;
}

inline double area_of_all(const Shape& shape) {
  double sum = 0;
  for (const Area& area : shape.areas) sum += area_of(area);
  return sum;
}

inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline bool has(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace lamella::annotation::test
