// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lamella/base/error.h"
#include "lamella/patch/plan_common_internal.h"

namespace lamella::patch {

namespace {

constexpr size_t kMaxPositions = 50'000'000;

double overlap(double begin, double extent, int64_t size) {
  const double end = std::min(begin + extent, static_cast<double>(size));
  return std::clamp((end - std::max(begin, 0.0)) / extent, 0.0, 1.0);
}

[[noreturn]] void throw_too_many(const std::string& found) {
  throw Error(ErrorCode::kLimit,
              fmt::format("found {} patch positions, expected at most {}; take a larger stride or "
                          "a smaller region",
                          found, kMaxPositions));
}

}  // namespace

PatchPlan start_plan(const slide::SlideInfo& info, const std::string& slide_id,
                     const PatchSpec& spec) {
  PatchPlan plan;
  plan.slide_id = slide_id;
  plan.slide_path = info.path;
  plan.slide_fingerprint = info.fingerprint;
  plan.spec = spec;
  plan.geometry = resolve_geometry(spec, info);
  if (info.mpp) plan.mpp = (info.mpp->x + info.mpp->y) / 2;
  plan.mpp_source = std::string(slide::to_string(info.mpp_source));
  const SizePx size = info.size_px();
  if (plan.geometry.extent_x_px > static_cast<double>(size.width) + kPositionRounding ||
      plan.geometry.extent_y_px > static_cast<double>(size.height) + kPositionRounding) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("found a slide of {} x {} px, which is smaller than one patch ({:.6g} x "
                    "{:.6g} level-0 px); take a smaller size_px or a finer scale",
                    size.width, size.height, plan.geometry.extent_x_px, plan.geometry.extent_y_px),
        info.path);
  }
  return plan;
}

PatchRow make_row(const PatchGeometry& geometry, const tissue::TissueMask& mask, int64_t x_px,
                  int64_t y_px) {
  const RectF rect = patch_rect(geometry, x_px, y_px);
  PatchRow row;
  row.x_px = x_px;
  row.y_px = y_px;
  row.tissue_fraction = static_cast<float>(mask.fraction(rect));
  row.inside_fraction =
      static_cast<float>(overlap(rect.x, rect.width, geometry.slide_size_px.width) *
                         overlap(rect.y, rect.height, geometry.slide_size_px.height));
  return row;
}

std::vector<int64_t> grid_positions(int64_t begin, int64_t end, double step, double extent) {
  const double count = static_cast<double>(end - begin) / step;
  if (count > static_cast<double>(kMaxPositions)) throw_too_many(fmt::format("{:.0f}", count));
  std::vector<int64_t> positions;
  for (int64_t i = 0;; ++i) {
    const int64_t position = begin + std::llround(static_cast<double>(i) * step);
    if (position >= end) break;
    positions.push_back(position);
    if (static_cast<double>(position) + extent >= static_cast<double>(end) - kPositionRounding) {
      break;
    }
  }
  return positions;
}

void check_position_count(size_t columns, size_t rows) {
  if (rows > 0 && columns > kMaxPositions / rows) {
    throw_too_many(fmt::format("{} x {}", columns, rows));
  }
}

void warn_if_overhanging(PatchPlan& plan) {
  const auto count = std::count_if(plan.rows.begin(), plan.rows.end(),
                                   [](const PatchRow& row) { return row.inside_fraction < 1; });
  if (count == 0) return;
  plan.warnings.push_back(fmt::format(
      "{} of {} patches reach outside the slide, where they are white", count, plan.rows.size()));
}

void warn_if_empty(PatchPlan& plan, const tissue::TissueMask& mask, const std::string& why) {
  if (!plan.rows.empty()) return;
  plan.warnings.push_back(fmt::format("no patches: {}; tissue is {:.2f} % of the slide", why,
                                      100 * mask.tissue_fraction));
}

void warn_if_off_tissue(PatchPlan& plan) {
  constexpr float kMostly = 0.5F;
  struct Count {
    int64_t all = 0, off = 0;
  };
  std::map<int, Count> labels;
  for (const PatchRow& row : plan.rows) {
    if (row.label == kNoLabel) continue;
    Count& count = labels[row.label];
    ++count.all;
    count.off += row.tissue_fraction < kMostly * row.inside_fraction;
  }
  std::string text;
  bool many = false;
  for (const auto& [label, count] : labels) {
    many = many || 10 * count.off >= count.all;
    text += fmt::format("{}{} of {} of '{}' ({:.0f} %)", text.empty() ? "" : ", ", count.off,
                        count.all, plan.classes.name(label),
                        100 * static_cast<double>(count.off) / static_cast<double>(count.all));
  }
  if (!many) return;
  plan.warnings.push_back(
      fmt::format("labelled patches of which the tissue mask holds less than half: {}; look at the "
                  "picture of the tissue",
                  text));
}

}  // namespace lamella::patch
