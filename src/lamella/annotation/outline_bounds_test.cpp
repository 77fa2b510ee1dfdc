// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/outline_bounds.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::annotation {
namespace {

const SlideFrame kFrame{.size_px = {2000, 1000}};

Polygon square(double x, double y, double side) {
  return {"p", "Tumor", {{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}};
}

AnnotationSet set_of(std::vector<Polygon> polygons) {
  AnnotationSet set;
  set.path = "a.xml";
  set.polygons = std::move(polygons);
  return set;
}

std::string message_of(const AnnotationSet& set, const SlideFrame& frame = kFrame) {
  try {
    check_bounds(set, frame);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    return error.what();
  }
  return "no error";
}

bool holds(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

TEST(OutlineBounds, WhatLiesOnTheSlideIsSilent) {
  EXPECT_TRUE(check_bounds(set_of({}), kFrame).empty());
  EXPECT_TRUE(check_bounds(set_of({square(0, 0, 1000), square(1900, 900, 100)}), kFrame).empty());
  // A hair beyond the edge, as a mouse leaves it.
  EXPECT_TRUE(check_bounds(set_of({square(-3, -2, 900)}), kFrame).empty());
}

TEST(OutlineBounds, SomeOutsideAreCounted) {
  const auto warnings = check_bounds(
      set_of({square(100, 100, 50), square(1950, 100, 100), square(3000, 0, 10), square(0, 0, 9)}),
      kFrame);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0],
            "2 of 4 outlines lie outside the slide of 2000 x 1000 px, 1 wholly; they reach from 0, "
            "0 to 3010, 200");
  EXPECT_EQ(check_bounds(set_of({square(1950, 100, 100)}), kFrame).size(), 1u) << "half of it";
}

TEST(OutlineBounds, MostOutsideAreRefusedWithALikelyCause) {
  EXPECT_TRUE(holds(message_of(set_of({square(3000, 100, 500)})), "2 times too large"));
  EXPECT_TRUE(holds(message_of(set_of({square(30000, 9000, 500)})), "16 times too large"));
  EXPECT_TRUE(holds(message_of(set_of({square(500, 1200, 500)})), "x and y were exchanged"));
  EXPECT_TRUE(holds(message_of(set_of({square(100, -900, 500)})), "y were negative"));
  EXPECT_TRUE(holds(message_of(set_of({square(-1e8, 1e8, 500)})), "another slide's?"));
  SlideFrame mirax = kFrame;
  mirax.bounds_px = {40000, 90000};
  EXPECT_TRUE(holds(message_of(set_of({square(40100, 90100, 500)}), mirax), "take it off"));
}

TEST(OutlineBounds, FramesAreChanged) {
  FrameChange change{
      .cause = "", .scale_x = 2, .scale_y = -1, .offset_px = {1, 10}, .exchanged = true};
  EXPECT_EQ(change.apply({3, 4}), (PointF{9, 7}));
  EXPECT_EQ(box_of(square(1, 2, 3)), (RectF{1, 2, 3, 3}));
}

}  // namespace
}  // namespace lamella::annotation
