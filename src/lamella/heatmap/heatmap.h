// SPDX-License-Identifier: Apache-2.0
// Scores laid on the plan's grid. Sees plan and scores, never a slide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/image.h"
#include "lamella/base/option.h"
#include "lamella/feature/feature.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::heatmap {

// rows x cols float32, NaN = not looked at. Cell (r, c) stands for the level-0 px
// [origin_x + c * cell_x, origin_x + (c + 1) * cell_x) x ...: the patch's centre part where
// patches overlap.
struct HeatMap {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // row-major: probabilities of `shown`, or numbers of classes
  ClassTable classes;         // of the scores
  std::string shown;          // a class, or kMostLikely
  double origin_x_px = 0;     // level-0 px
  double origin_y_px = 0;
  double cell_x_px = 0;
  double cell_y_px = 0;
  SizePx slide_size_px;
};

// The slide that was scored; empty where a scores file does not say.
struct ScoredSlide {
  std::string slide_id;
  std::string path;
  std::string fingerprint;
};

// Geometry of scored patches as it stands in a scores file: all of one size, level-0 px.
struct ScoredPatches {
  std::vector<double> x_px, y_px;  // top-left
  double width_px = 0;
  double height_px = 0;
  feature::ScoreMatrix scores;
  ScoredSlide slide = {};
  std::vector<patch::Position> left_out = {};  // could not be read, and has no score
};

ScoredPatches scored_patches(const patch::PatchPlan& plan, const feature::ScoreMatrix& scores);

// Which of the classes a map shows: "" is the last one, kMostLikely is itself. Error kNotFound that
// lists them.
std::string shown_class(const ClassTable& classes, const std::string& wanted);

// The map shows the probability of one class, or of each patch the most likely class.
// The grid step is found from the positions (smallest difference of x and of y); an irregular set
// (positions off the grid by more than a pixel; they may be rounded) is Error kInvalidArgument.
// Error kMismatch: a patch lies wholly outside the slide, as scores of another slide do.
HeatMap make_heatmap(const ScoredPatches& patches, SizePx slide_size_px,
                     const std::string& wanted = {});
HeatMap make_heatmap(const patch::PatchPlan& plan, const feature::ScoreMatrix& scores,
                     const std::string& wanted = {});

// Patches of which a slide score takes the highest.
inline constexpr int64_t kSlideScorePatches = 20;

// A class's highest score among 20 patches, its mean over all choices of 20 of the slide's patches.
// So it does not grow with the area of normal tissue, as a maximum does: its expectation is the
// same for any number of patches of one kind, from 20 on. Of fewer it is the highest; NaN if there
// are none. Of the last class where the map shows the most likely one.
double slide_score(const feature::ScoreMatrix& scores, const std::string& wanted = {});

struct OverlayOptions {
  std::string colormap = "magma";  // magma, viridis, inferno, plasma, turbo, jet
  double opacity = 0.6;            // 0-1, from a probability of 0.5; none up to 0.1
  std::string shown_class;         // see shown_class(); of what a map is made, not how it is drawn
  std::string title;
  // Outlines drawn in the slide's frame (level-0 px), e.g. annotations.
  std::vector<std::vector<PointF>> outlines;
  void validate() const;
  static const OptionTable<OverlayOptions>& table();
};

// The thumbnail (whole slide, any size) with the map over it, a colour scale and a title.
Image draw_overlay(const HeatMap& map, const ImageView& thumbnail, const OverlayOptions& options);

// Pyramidal float TIFF of the probabilities that lies over the slide from its level-0 origin: a
// pixel is a cell, or a half, third or quarter of one where the grid needs it to begin there; NaN
// outside. Where not even that is enough (a grid over a region) it begins less than a quarter of a
// cell behind the origin: position tags say where. Resolution tags (if the slide has an mpp) and
// the description (JSON: origin_px of the picture, cell_px, pixel_px, slide_size_px, all level-0
// px) tell a viewer how to lay it over the slide.
void write_heatmap_tiff(const HeatMap& map, std::optional<Mpp> slide_mpp, const std::string& path);

}  // namespace lamella::heatmap
