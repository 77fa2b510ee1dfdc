// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/slide_map.h"

#include "lamella/imagefile/imagefile.h"

namespace lamella::verbs {

std::vector<std::vector<PointF>> outlines_of(const annotation::AnnotationSet& annotations) {
  std::vector<std::vector<PointF>> outlines;
  for (const annotation::Polygon& polygon : annotations.polygons) outlines.push_back(polygon.ring);
  return outlines;
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
