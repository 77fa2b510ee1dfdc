// SPDX-License-Identifier: Apache-2.0
// Which patches: positions, no pixels. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/class_table.h"
#include "lamella/base/geometry.h"
#include "lamella/base/option.h"
#include "lamella/slide/slide_info.h"

namespace lamella::patch {

// A square of size_px pixels at a level or at a physical scale: exactly one of the two is set.
struct PatchSpec {
  int size_px = 0;
  std::optional<int> level = {};
  std::optional<double> mpp = {};  // µm/px, 0.01-1000
  // Error kInvalidArgument: size_px outside 1-16384, a negative level, none or both of level, mpp.
  void validate() const;
  static const OptionTable<PatchSpec>& table();
};

// What a spec means on one slide.
struct PatchGeometry {
  int size_px = 0;         // as in the spec
  int level = 0;           // that is read
  double extent_x_px = 0;  // side of the patch in level-0 px, real-valued
  double extent_y_px = 0;
  double level_extent_x_px = 0;  // the same in px of `level`
  double level_extent_y_px = 0;
  std::optional<double> effective_mpp;  // µm per patch pixel; nullopt if the slide has no mpp
  SizePx slide_size_px;                 // level 0
  bool operator==(const PatchGeometry&) const = default;
};

// By level: that level, native pixels. By mpp: the coarsest level whose mpp is at most the target
// (1 % tolerance), else level 0, where pixels are enlarged. A level within 1 % of the target is
// taken as it is, without resampling; effective_mpp is then the level's own.
// effective_mpp is the mean of x and y.
// Error kNotFound: no such level. kInvalidArgument: mpp asked of a slide without one (says how to
// give it), or of one whose mpp of x and y differ by more than 5 %.
PatchGeometry resolve_geometry(const PatchSpec& spec, const slide::SlideInfo& info);

// The patch at (x_px, y_px) as a rectangle in level-0 px.
RectF patch_rect(const PatchGeometry& geometry, int64_t x_px, int64_t y_px);

inline constexpr int8_t kNoLabel = -1;

struct PatchRow {
  int64_t x_px = 0;  // top-left, level-0 px
  int64_t y_px = 0;
  float tissue_fraction = 0;  // 0-1
  int8_t label = kNoLabel;    // index into the plan's classes, or kNoLabel
  float inside_fraction = 1;  // part of the patch that lies on the slide, 0-1
  bool operator==(const PatchRow&) const = default;
};

// The top-left corner of a patch, level-0 px.
struct Position {
  int64_t x_px = 0;
  int64_t y_px = 0;
  bool operator==(const Position&) const = default;
};

// A patch that was planned, too, and could not be read.
struct LeftOut {
  Position at;
  std::string cause = {};  // file, tile and cause; files keep it in the plan's warnings alone
};

struct PatchPlan {
  std::string slide_id;
  std::string slide_path;
  std::string slide_fingerprint;
  PatchSpec spec;
  PatchGeometry geometry;
  std::optional<double> mpp;  // level 0, of the slide
  std::string mpp_source;
  std::optional<double> stride_px;  // level-0 px, for grids only; column step of the heat-map
  ClassTable classes;               // empty where no row has a label
  std::vector<PatchRow> rows;
  std::vector<std::string> warnings;  // for the record
  std::vector<LeftOut> left_out;      // of a plan that features or scores belong to
};

}  // namespace lamella::patch
