// SPDX-License-Identifier: Apache-2.0
// The verb map on a slide: heat-map over thumbnail.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/context.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/slide/on_damage.h"
#include "lamella/slide/slide.h"

namespace lamella::verbs {

struct MapOptions {
  heatmap::OverlayOptions overlay;
  int thumbnail_px = 1600;  // longer side of the picture's slide
  static const OptionTable<MapOptions>& table();
};

// Of the command and of the function in Python, where the slide is opened for the map alone.
struct MapSlideOptions {
  MapOptions map;
  slide::DamageOptions damage;
  static const OptionTable<MapSlideOptions>& table();
};

struct SlideMap {
  heatmap::HeatMap map;
  Image overlay;           // the slide's thumbnail under the map, with a colour scale
  std::optional<Mpp> mpp;  // of the slide
};

// The rings of all polygons and their holes, for OverlayOptions::outlines.
std::vector<std::vector<PointF>> outlines_of(const annotation::AnnotationSet& annotations);
// Those of a file, which must lie on the slide (annotation::check_bounds). Errors: those of
// annotation::read_annotations, kMismatch.
std::vector<std::vector<PointF>> read_outlines(const std::string& path,
                                               const slide::SlideInfo& info,
                                               const Context& context);

// Error kInvalidArgument: those of the options; those of reading the thumbnail.
SlideMap draw_slide_map(const slide::Slide& slide, heatmap::HeatMap map, const MapOptions& options,
                        const Context& context);
// kSkip: the thumbnail is white where the slide cannot be decoded, with a warning.
SlideMap draw_slide_map(const slide::Slide& slide, heatmap::HeatMap map,
                        const MapSlideOptions& options, const Context& context);
// Writes <prefix>.png (overlay) and <prefix>.tiff (pyramidal float TIFF).
void write_slide_map(const SlideMap& map, const std::string& prefix);

}  // namespace lamella::verbs
