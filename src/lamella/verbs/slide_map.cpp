// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/slide_map.h"

#include "lamella/annotation/outline_bounds.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/patch/outline_check.h"

namespace lamella::verbs {

std::vector<std::vector<PointF>> outlines_of(const annotation::AnnotationSet& annotations) {
  std::vector<std::vector<PointF>> outlines;
  for (const annotation::Polygon& polygon : annotations.polygons) {
    outlines.push_back(polygon.ring);
    outlines.insert(outlines.end(), polygon.holes.begin(), polygon.holes.end());
  }
  return outlines;
}

std::vector<std::vector<PointF>> read_outlines(const std::string& path,
                                               const slide::SlideInfo& info,
                                               const Context& context) {
  const annotation::AnnotationSet set = annotation::read_annotations(path);
  for (const std::string& note : set.notes) context.warn(note);
  for (const std::string& warning : annotation::check_bounds(set, patch::frame_of(info))) {
    context.warn(warning);
  }
  return outlines_of(set);
}

void write_slide_map(const slide::Slide& slide, const heatmap::HeatMap& map,
                     const MapOptions& options, const std::string& prefix, const Context& context) {
  heatmap::write_heatmap_tiff(map, slide.info().mpp, prefix + ".tiff");
  const Image thumbnail = slide::read_thumbnail(slide, options.thumbnail_px, context.threads);
  imagefile::write_png(heatmap::draw_overlay(map, thumbnail.view(), options.overlay).view(),
                       prefix + ".png");
  context.report("map " + options.overlay.title, 1, 1, "heat-maps");
}

}  // namespace lamella::verbs
