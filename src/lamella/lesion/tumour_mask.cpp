// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/annotation/groups.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/lesion/lesion_map.h"

namespace lamella::lesion {

namespace {

constexpr int64_t kMostCells = int64_t{1} << 28;

enum class Kind { kTumour, kNormal, kOther };

Kind kind_of(const annotation::Polygon& polygon, const LesionRules& rules) {
  const auto among = [&](const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return annotation::names_group(name, polygon.group);
    });
  };
  static const std::vector<std::string> kTumour = {"Tumor", "tumor",      "_0",
                                                   "_1",    "metastases", "positive"};
  static const std::vector<std::string> kNormal = {"Exclusion", "_2", "normal", "negative"};
  if (among(rules.normal_groups.empty() ? kNormal : rules.normal_groups)) return Kind::kNormal;
  return among(rules.tumour_groups.empty() ? kTumour : rules.tumour_groups) ? Kind::kTumour
                                                                            : Kind::kOther;
}

std::vector<Kind> kinds_of(const annotation::AnnotationSet& set, const LesionRules& rules,
                           io::Notes notes) {
  std::vector<Kind> kinds;
  std::vector<std::string> unknown;
  bool known = false;
  for (const annotation::Polygon& polygon : set.polygons) {
    kinds.push_back(kind_of(polygon, rules));
    known = known || kinds.back() != Kind::kOther;
    const std::string shown = annotation::shown_group(polygon.group);
    if (kinds.back() == Kind::kOther && std::ranges::find(unknown, shown) == unknown.end()) {
      unknown.push_back(shown);
    }
  }
  if (unknown.empty()) return kinds;
  for (Kind& kind : kinds) {
    if (kind == Kind::kOther && !known) kind = Kind::kTumour;
  }
  if (notes) {
    notes->push_back(fmt::format("outlines of the groups {} are {}", join(unknown, ", "),
                                 known ? "left out: they are neither tumour nor normal"
                                       : "taken as tumour: no group is known by its name"));
  }
  return kinds;
}

// Cells around the rings, within the slide.
RectPx window_of(const annotation::AnnotationSet& set, SizePx slide, double cell) {
  double left = 1e300, top = 1e300, right = -1e300, bottom = -1e300;
  for (const annotation::Polygon& polygon : set.polygons) {
    for (const PointF& point : polygon.ring) {
      left = std::min(left, point.x);
      right = std::max(right, point.x);
      top = std::min(top, point.y);
      bottom = std::max(bottom, point.y);
    }
  }
  if (set.polygons.empty()) return {};
  const auto x = static_cast<int64_t>(std::floor(left / cell));
  const auto y = static_cast<int64_t>(std::floor(top / cell));
  RectPx window{x, y, static_cast<int64_t>(std::floor(right / cell)) - x + 1,
                static_cast<int64_t>(std::floor(bottom / cell)) - y + 1};
  if (slide.width > 0) window = intersect(window, {0, 0, slide.width, slide.height});
  return window;
}

// Cells of a row whose centres lie within the rings, even-odd, get `value`.
void fill_row(const annotation::Polygon& polygon, double cell, int64_t row, uint8_t value,
              TumourMask& mask) {
  const double y = (static_cast<double>(row) + 0.5) * cell;
  std::vector<double> crossings;
  const auto add = [&](const std::vector<PointF>& ring) {
    for (size_t i = 0; i < ring.size(); ++i) {
      const PointF &a = ring[i], &b = ring[(i + 1) % ring.size()];
      if ((a.y <= y) == (b.y <= y)) continue;
      crossings.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
    }
  };
  add(polygon.ring);
  for (const std::vector<PointF>& hole : polygon.holes) add(hole);
  std::sort(crossings.begin(), crossings.end());
  for (size_t k = 0; k + 1 < crossings.size(); k += 2) {
    // The first cell whose centre is not left of the crossing.
    const auto first = static_cast<int64_t>(std::ceil(crossings[k] / cell - 0.5));
    const auto last = static_cast<int64_t>(std::ceil(crossings[k + 1] / cell - 0.5));
    for (int64_t x = std::max(first, mask.window.x); x < std::min(last, mask.window.right()); ++x) {
      mask.values[static_cast<size_t>((row - mask.window.y) * mask.window.width + x -
                                      mask.window.x)] = value;
    }
  }
}

void fill(const annotation::Polygon& polygon, double cell, uint8_t value, TumourMask& mask) {
  double top = 1e300, bottom = -1e300;
  for (const PointF& point : polygon.ring) {
    top = std::min(top, point.y);
    bottom = std::max(bottom, point.y);
  }
  const auto first = std::max(static_cast<int64_t>(std::floor(top / cell)), mask.window.y);
  const auto last =
      std::min(static_cast<int64_t>(std::floor(bottom / cell)) + 1, mask.window.bottom());
  for (int64_t row = first; row < last; ++row) fill_row(polygon, cell, row, value, mask);
}

// As the challenge's masks are made: a part of a cell at the right or lower edge is none.
SizePx cells_of(SizePx slide_px, int64_t cell) {
  return {slide_px.width / cell, slide_px.height / cell};
}

}  // namespace

const OptionTable<LesionRules>& LesionRules::table() {
  static const auto kTable =
      OptionTable<LesionRules>()
          .row("mpp", &LesionRules::mpp,
               {.help = "scale of the slides at level 0",
                .unit = "µm/px",
                .least = 0.01,
                .most = 100})
          .row("level", &LesionRules::level,
               {.help = "level at which lesions are told apart: a cell is 2^level px",
                .least = 0,
                .most = 10})
          .row("joined_um", &LesionRules::joined_um,
               {.help = "parts of tumour this near are one lesion",
                .unit = "µm",
                .least = 0,
                .most = 10000})
          .row("isolated_um", &LesionRules::isolated_um,
               {.help = "major axis below which a lesion is of isolated tumour cells, and not "
                        "counted",
                .unit = "µm",
                .least = 0,
                .most = 100000})
          .row("tumour_groups", &LesionRules::tumour_groups,
               {.help = "groups of annotations that are tumour",
                .otherwise = "those of CAMELYON16 and NCRF"})
          .row("normal_groups", &LesionRules::normal_groups,
               {.help = "groups of annotations that are cut out of tumour",
                .otherwise = "those of CAMELYON16 and NCRF"});
  return kTable;
}

void LesionRules::validate() const { table().check(*this); }

TumourMask mask_of_outlines(const annotation::AnnotationSet& set, SizePx slide_px,
                            const LesionRules& rules, io::Notes notes) {
  const std::vector<Kind> kinds = kinds_of(set, rules, notes);
  const auto cell = static_cast<double>(rules.cell_px());
  TumourMask mask;
  mask.slide = cells_of(slide_px, rules.cell_px());
  mask.window = window_of(set, mask.slide, cell);
  if (mask.window.empty()) {
    mask.window = {};
    return mask;
  }
  if (mask.window.width > kMostCells / mask.window.height) {
    throw Error(ErrorCode::kLimit,
                fmt::format("the outlines span {} x {} cells of {} px, expected at most {} cells",
                            mask.window.width, mask.window.height, rules.cell_px(), kMostCells),
                set.path);
  }
  mask.values.assign(static_cast<size_t>(mask.window.width * mask.window.height), 0);
  for (const Kind kind : {Kind::kTumour, Kind::kNormal}) {  // what is cut out comes last
    for (size_t i = 0; i < set.polygons.size(); ++i) {
      if (kinds[i] == kind) fill(set.polygons[i], cell, kind == Kind::kTumour ? 1 : 0, mask);
    }
  }
  return mask;
}

TumourMask mask_of_samples(const imagefile::Samples& samples, SizePx slide_px,
                           const LesionRules& rules, io::Notes notes) {
  const SizePx slide = cells_of(slide_px, rules.cell_px());
  const auto near = [](int64_t found, int64_t wanted) { return std::abs(found - wanted) <= 1; };
  if (slide.width > 0 &&
      !(near(samples.width, slide.width) && near(samples.height, slide.height))) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("the mask is {} x {} px, the slide of {} x {} px has {} x {} at level "
                            "{}",
                            samples.width, samples.height, slide_px.width, slide_px.height,
                            slide.width, slide.height, rules.level));
  }
  uint16_t most = 0;
  for (const uint16_t value : samples.values) most = std::max(most, value);
  const uint16_t tumour = most == 1 ? 1 : 255;
  if (most == 1 && notes) notes->push_back("the mask's greatest value is 1: it is taken as 255");
  TumourMask mask;
  mask.window = {0, 0, samples.width, samples.height};
  mask.slide = {samples.width, samples.height};
  mask.values.reserve(samples.values.size());
  for (const uint16_t value : samples.values) {
    if (value != 0 && value != tumour) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("the mask holds the value {}, expected 0 and {}", value, tumour));
    }
    mask.values.push_back(value == tumour);
  }
  return mask;
}

}  // namespace lamella::lesion
