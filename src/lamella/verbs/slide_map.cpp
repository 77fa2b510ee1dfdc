// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/slide_map.h"

#include "lamella/annotation/outline_bounds.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/patch/outline_check.h"
#include "lamella/slide/damage_as_white.h"

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
  const annotation::SlideFrame frame = patch::frame_of(info);
  const annotation::AnnotationSet set = annotation::read_annotations(path, &frame);
  for (const std::string& note : set.notes) context.warn(note);
  for (const std::string& warning : annotation::check_bounds(set, frame)) {
    context.warn(warning);
  }
  return outlines_of(set);
}

SlideMap draw_slide_map(const slide::Slide& slide, heatmap::HeatMap map, const MapOptions& options,
                        const Context& context) {
  options.overlay.validate();
  SlideMap drawn{std::move(map), {}, slide.info().mpp};
  const Image thumbnail = slide::read_thumbnail(slide, options.thumbnail_px, context.threads);
  drawn.overlay = heatmap::draw_overlay(drawn.map, thumbnail.view(), options.overlay);
  context.report("map " + options.overlay.title, 1, 1, "heat-maps");
  return drawn;
}

SlideMap draw_slide_map(const slide::Slide& slide, heatmap::HeatMap map,
                        const MapSlideOptions& options, const Context& context) {
  if (!options.damage.skips()) return draw_slide_map(slide, std::move(map), options.map, context);
  const slide::DamageAsWhite readable(slide);
  SlideMap drawn = draw_slide_map(readable, std::move(map), options.map, context);
  for (const std::string& warning : readable.warnings()) context.warn(warning);
  return drawn;
}

void write_slide_map(const SlideMap& map, const std::string& prefix) {
  heatmap::write_heatmap_tiff(map.map, map.mpp, prefix + ".tiff");
  imagefile::write_png(map.overlay.view(), prefix + ".png");
}

}  // namespace lamella::verbs
