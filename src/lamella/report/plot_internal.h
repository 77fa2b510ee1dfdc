// SPDX-License-Identifier: Apache-2.0
// Plots as SVG inside the page: no script, colours by the page's style (light, dark, print), and
// the values in a table beside each for those who cannot see it.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/report/html_internal.h"

namespace lamella::report {

struct Series {
  enum class Kind { kLine, kSteps, kMarks, kBars, kDots };  // dots: many, without a line
  std::string name = {};
  std::vector<PointF> points = {};  // bars: x is the middle
  Kind kind = Kind::kLine;
  int colour = 0;          // of the page's style, 0 to 7; a line's dashes follow it, too
  bool faint = false;      // one of many that stand behind
  bool unnamed = false;    // not in the legend
  std::string style = {};  // a class of the page's style in place of the colour
  double bar_width = 0;    // in units of x
};

struct Axis {
  std::string title = {};
  double low = 0, high = 1;
  bool logarithmic = false;
  bool mirrored = false;  // negative values are shown without their sign
  int decimals = 3;       // of values in the table
};

// What it is compared with.
enum class Reference { kNone, kDiagonal, kLevel, kVertical };

struct Plot {
  std::string id = {};       // unique on the page
  std::string title = {};    // "ROC curve"
  std::string reading = {};  // how to read it; one or two sentences
  Axis x = {}, y = {};
  std::vector<Series> series = {};
  Reference reference = Reference::kNone;
  double reference_at = 0;
  std::string reference_name = {};
  bool bare = false;  // no axes: places mean nothing but beside one another
};

// A figure with its legend, its reading and the table of its values (at most kMostTableRows a
// series, evenly). Points that are not finite are left out.
inline constexpr size_t kMostTableRows = 25;
Html draw(const Plot& plot);

// Round numbers between the ends, about `wanted` of them; of a logarithmic axis the powers of ten.
std::vector<double> ticks_of(const Axis& axis, int wanted);

// The ends of the values with a margin; 0 to 1 where there are none.
Axis axis_around(const std::string& title, const std::vector<double>& values, bool logarithmic);

}  // namespace lamella::report
