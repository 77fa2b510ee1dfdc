// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lamella/base/text.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/imagefile/imagefile.h"

namespace lamella::heatmap {

namespace {

// What the values are. Names of classes have no quotes in them, and no backslashes.
std::string describe(const HeatMap& map) {
  if (map.shown != kMostLikely) return "probability of " + map.shown;
  std::vector<std::string> numbered;
  for (int k = 0; k < map.classes.count(); ++k) {
    numbered.push_back(fmt::format("{} {}", k, map.classes.name(k)));
  }
  return "number of the most likely class (" + join(numbered, ", ") + ")";
}

constexpr int kMostParts = 4;  // of a cell along one axis
constexpr int64_t kMostPixels = int64_t{1} << 28;

// How the cells of one axis lie on the picture's pixels, of which `parts` make a cell. The picture
// begins at the slide's edge, or less than a pixel behind it.
struct Layout {
  int64_t first = 0;  // pixel of the first cell; negative: so many are beyond the slide
  double rest = 0;    // level-0 px between the slide's edge and the picture's
  int64_t size = 0;   // pixels
};

Layout lay_out(double origin, double cell, int64_t cells, int64_t slide_px, int parts) {
  constexpr double kRounding = 0.5;  // positions are whole level-0 px
  const double pixel = cell / parts;
  Layout layout;
  layout.first = static_cast<int64_t>(std::floor((origin + kRounding) / pixel));
  layout.rest = std::max(0.0, origin - static_cast<double>(layout.first) * pixel);
  if (layout.rest <= kRounding) layout.rest = 0;
  const double behind = (static_cast<double>(slide_px) - layout.rest) / pixel;
  layout.size = std::max(layout.first + cells * parts,
                         static_cast<int64_t>(std::ceil(behind - 1e-6 * cell / pixel)));
  return layout;
}

struct Picture {
  int parts = 1;
  Layout x, y;
};

// The fewest pixels a cell with which the picture begins at the slide's origin.
Picture lay_out(const HeatMap& map) {
  Picture picture;
  const SizePx slide = map.slide_size_px;
  for (int parts = 1; parts <= kMostParts; ++parts) {
    Picture next{parts, lay_out(map.origin_x_px, map.cell_x_px, map.columns, slide.width, parts),
                 lay_out(map.origin_y_px, map.cell_y_px, map.rows, slide.height, parts)};
    if (parts > 1 && next.x.size * next.y.size > kMostPixels) break;
    picture = next;
    if (picture.x.rest == 0 && picture.y.rest == 0) break;
  }
  return picture;
}

std::vector<float> paint(const HeatMap& map, const Picture& picture) {
  std::vector<float> values(static_cast<size_t>(picture.x.size * picture.y.size),
                            std::numeric_limits<float>::quiet_NaN());
  const auto begin = [](const Layout& layout) { return std::max<int64_t>(0, layout.first); };
  for (int64_t y = begin(picture.y); y < picture.y.first + map.rows * picture.parts; ++y) {
    const float* cells = map.values.data() + (y - picture.y.first) / picture.parts * map.columns;
    float* row = values.data() + y * picture.x.size;
    for (int64_t x = begin(picture.x); x < picture.x.first + map.columns * picture.parts; ++x) {
      row[x] = cells[(x - picture.x.first) / picture.parts];
    }
  }
  return values;
}

}  // namespace

void write_heatmap_tiff(const HeatMap& map, std::optional<Mpp> slide_mpp, const std::string& path) {
  const Picture picture = lay_out(map);
  const double pixel_x = map.cell_x_px / picture.parts, pixel_y = map.cell_y_px / picture.parts;
  imagefile::TiffOptions options;
  if (slide_mpp) {
    options.mpp = Mpp{slide_mpp->x * pixel_x, slide_mpp->y * pixel_y};
    options.position_um = PointF{slide_mpp->x * picture.x.rest, slide_mpp->y * picture.y.rest};
  }
  options.description = fmt::format(
      R"({{"lamella":"{}, NaN = not looked at","origin_px":[{},{}],)"
      R"("cell_px":[{},{}],"pixel_px":[{},{}],"slide_size_px":[{},{}]}})",
      describe(map), format_double(picture.x.rest), format_double(picture.y.rest),
      format_double(map.cell_x_px), format_double(map.cell_y_px), format_double(pixel_x),
      format_double(pixel_y), map.slide_size_px.width, map.slide_size_px.height);
  imagefile::write_float_tiff(path, {picture.x.size, picture.y.size}, paint(map, picture), options);
}

}  // namespace lamella::heatmap
