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

}  // namespace

void write_heatmap_tiff(const HeatMap& map, std::optional<Mpp> slide_mpp, const std::string& path) {
  // Cells before the first one, so that the picture starts at the slide's origin where the grid
  // allows it (within half a pixel).
  const auto cells_before = [](double origin, double cell) {
    const auto count = std::llround(origin / cell);
    return count > 0 && std::abs(origin - static_cast<double>(count) * cell) <= 0.5 ? count : 0;
  };
  const int64_t left = cells_before(map.origin_x_px, map.cell_x_px);
  const int64_t top = cells_before(map.origin_y_px, map.cell_y_px);
  const auto after = [](int64_t slide_px, double origin, double cell, int64_t count) {
    const double end = origin + static_cast<double>(count) * cell;
    return std::max<int64_t>(
        0, static_cast<int64_t>(std::ceil((static_cast<double>(slide_px) - end) / cell - 1e-6)));
  };
  const int64_t right = after(map.slide_size_px.width, map.origin_x_px, map.cell_x_px, map.columns);
  const int64_t bottom = after(map.slide_size_px.height, map.origin_y_px, map.cell_y_px, map.rows);
  const SizePx size{left + map.columns + right, top + map.rows + bottom};
  std::vector<float> values(static_cast<size_t>(size.width * size.height),
                            std::numeric_limits<float>::quiet_NaN());
  for (int64_t row = 0; row < map.rows; ++row) {
    std::copy_n(map.values.begin() + row * map.columns, map.columns,
                values.begin() + (top + row) * size.width + left);
  }

  imagefile::TiffOptions options;
  if (slide_mpp) options.mpp = Mpp{slide_mpp->x * map.cell_x_px, slide_mpp->y * map.cell_y_px};
  options.description = fmt::format(
      R"({{"lamella":"{}, NaN = not looked at","origin_px":[{},{}],)"
      R"("cell_px":[{},{}],"slide_size_px":[{},{}]}})",
      describe(map), format_double(map.origin_x_px - static_cast<double>(left) * map.cell_x_px),
      format_double(map.origin_y_px - static_cast<double>(top) * map.cell_y_px),
      format_double(map.cell_x_px), format_double(map.cell_y_px), map.slide_size_px.width,
      map.slide_size_px.height);
  imagefile::write_float_tiff(path, size, values, options);
}

}  // namespace lamella::heatmap
