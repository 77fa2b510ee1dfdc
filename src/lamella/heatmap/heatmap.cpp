// SPDX-License-Identifier: Apache-2.0
#include "lamella/heatmap/heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"

namespace lamella::heatmap {

namespace {

constexpr double kOffGridPx = 0.5;
constexpr int64_t kMaxCells = int64_t{1} << 31;

struct Axis {
  double first = 0;
  double step = 0;
  int64_t count = 0;
};

// The smallest difference of neighbouring positions is the step; a single position has the
// patch's own size as step. Integer positions of a real-valued step are off by at most half a
// pixel, so the step is refined over the whole length.
Axis find_axis(std::vector<double> positions, double size, const char* name) {
  std::sort(positions.begin(), positions.end());
  double step = 0;
  for (size_t i = 1; i < positions.size(); ++i) {
    const double difference = positions[i] - positions[i - 1];
    if (difference > kOffGridPx && (step == 0 || difference < step)) step = difference;
  }
  const double length = positions.back() - positions.front();
  if (step == 0) return {positions.front(), size, 1};

  // Rounded positions: the true step lies within one pixel of the smallest difference. It is fixed
  // by the least squares of positions on their indices.
  double sum_index = 0, sum_product = 0;
  double refined = step;
  for (int pass = 0; pass < 3; ++pass) {
    sum_index = sum_product = 0;
    double at = positions.front(), index = 0;
    for (const double position : positions) {
      index += std::round((position - at) / refined);
      at = position;
      sum_index += index * index;
      sum_product += index * (position - positions.front());
    }
    if (sum_index > 0) refined = sum_product / sum_index;
  }
  const auto count = static_cast<int64_t>(std::llround(length / refined)) + 1;
  for (const double position : positions) {
    const double index = (position - positions.front()) / refined;
    if (std::abs(index - std::round(index)) * refined > 2 * kOffGridPx) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("the patches lie on no regular grid: {} = {} is no whole number of "
                              "steps of {:.6g} px from {}; a heat-map needs scores of a grid "
                              "(a plan by `stride_px`, or scores of a slide)",
                              name, position, refined, positions.front()));
    }
  }
  return {positions.front(), refined, count};
}

HeatMap lay_out(const std::vector<double>& x, const std::vector<double>& y, SizePx slide,
                double width, double height) {
  HeatMap map;
  map.slide_size_px = slide;
  if (x.empty()) {
    map.cell_x_px = width;
    map.cell_y_px = height;
    return map;
  }
  const Axis columns = find_axis(x, width, "x"), rows = find_axis(y, height, "y");
  if (checked_mul(columns.count, rows.count, "heat-map size") > kMaxCells) {
    throw Error(ErrorCode::kLimit,
                fmt::format("the heat-map would have {} x {} cells; use a larger stride",
                            columns.count, rows.count));
  }
  map.columns = columns.count;
  map.rows = rows.count;
  map.cell_x_px = columns.step;
  map.cell_y_px = rows.step;
  // The cell is the centre part of the patch where patches overlap.
  map.origin_x_px = columns.first + (width - columns.step) / 2;
  map.origin_y_px = rows.first + (height - rows.step) / 2;
  map.values.assign(static_cast<size_t>(map.rows * map.columns),
                    std::numeric_limits<float>::quiet_NaN());
  return map;
}

}  // namespace

std::string shown_class(const ClassTable& classes, const std::string& wanted) {
  classes.validate();
  if (wanted.empty()) return classes.names.back();
  if (wanted != kMostLikely) classes.index_of(wanted);
  return wanted;
}

namespace {

// What the map shows of each patch.
std::vector<float> shown_values(const feature::ScoreMatrix& scores, const std::string& shown) {
  if (shown != kMostLikely) return scores.column(scores.classes.index_of(shown));
  std::vector<float> numbers;
  for (int64_t i = 0; i < scores.rows(); ++i) {
    numbers.push_back(static_cast<float>(scores.most_likely(i)));
  }
  return numbers;
}

}  // namespace

namespace {

// Patches of a grid begin on their slide.
void require_on_slide(const ScoredPatches& patches, const SizePx& slide) {
  if (slide.width <= 0 || slide.height <= 0) return;  // not known
  size_t outside = 0, first = 0;
  for (size_t i = 0; i < patches.x_px.size(); ++i) {
    const double x = patches.x_px[i], y = patches.y_px[i];
    const bool on_it = x < static_cast<double>(slide.width) && x + patches.width_px > 0 &&
                       y < static_cast<double>(slide.height) && y + patches.height_px > 0;
    if (!on_it && outside++ == 0) first = i;
  }
  if (outside == 0) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("{} of {} scored patches lie outside the slide of {} x {} px, the first "
                          "at {},{}; expected scores of this slide, in level-0 px",
                          outside, patches.x_px.size(), slide.width, slide.height,
                          patches.x_px[first], patches.y_px[first]));
}

}  // namespace

HeatMap make_heatmap(const ScoredPatches& patches, SizePx slide_size_px,
                     const std::string& wanted) {
  const std::string shown = shown_class(patches.scores.classes, wanted);
  const std::vector<float> values = shown_values(patches.scores, shown);
  if (patches.x_px.size() != values.size() || patches.y_px.size() != values.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} positions and {} scores, expected as many of each",
                            patches.x_px.size(), values.size()));
  }
  require_on_slide(patches, slide_size_px);
  HeatMap map =
      lay_out(patches.x_px, patches.y_px, slide_size_px, patches.width_px, patches.height_px);
  map.classes = patches.scores.classes;
  map.shown = shown;
  if (values.empty()) return map;
  const double first_x = *std::min_element(patches.x_px.begin(), patches.x_px.end());
  const double first_y = *std::min_element(patches.y_px.begin(), patches.y_px.end());
  for (size_t i = 0; i < values.size(); ++i) {
    const auto column = std::llround((patches.x_px[i] - first_x) / map.cell_x_px);
    const auto row = std::llround((patches.y_px[i] - first_y) / map.cell_y_px);
    float& cell = map.values[static_cast<size_t>(row * map.columns + column)];
    if (!std::isnan(cell)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("two patches lie at one place of the grid: {},{}", patches.x_px[i],
                              patches.y_px[i]));
    }
    cell = values[i];
  }
  return map;
}

ScoredPatches scored_patches(const patch::PatchPlan& plan, const feature::ScoreMatrix& scores) {
  ScoredPatches patches;
  patches.width_px = plan.geometry.extent_x_px;
  patches.height_px = plan.geometry.extent_y_px;
  patches.scores = scores;
  for (const patch::LeftOut& each : plan.left_out) patches.left_out.push_back(each.at);
  for (const patch::PatchRow& row : plan.rows) {
    patches.x_px.push_back(static_cast<double>(row.x_px));
    patches.y_px.push_back(static_cast<double>(row.y_px));
  }
  return patches;
}

HeatMap make_heatmap(const patch::PatchPlan& plan, const feature::ScoreMatrix& scores,
                     const std::string& wanted) {
  return make_heatmap(scored_patches(plan, scores), plan.geometry.slide_size_px, wanted);
}

double slide_score(const feature::ScoreMatrix& scores, const std::string& wanted) {
  if (scores.values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::string shown = shown_class(scores.classes, wanted);
  const int label =
      shown == kMostLikely ? scores.classes.count() - 1 : scores.classes.index_of(shown);
  std::vector<float> rising = scores.column(label);
  std::sort(rising.begin(), rising.end());
  // The i-th of n is the highest of k in C(i - 1, k - 1) of the C(n, k) choices.
  const auto n = static_cast<int64_t>(rising.size()), k = std::min(kSlideScorePatches, n);
  double sum = 0, share = static_cast<double>(k) / static_cast<double>(n);
  for (int64_t i = n; i >= k; --i) {
    sum += share * rising[static_cast<size_t>(i - 1)];
    if (i > 1) share *= static_cast<double>(i - k) / static_cast<double>(i - 1);
  }
  return sum;
}

}  // namespace lamella::heatmap
