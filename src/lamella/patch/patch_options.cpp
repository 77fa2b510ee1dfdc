// SPDX-License-Identifier: Apache-2.0
// What may be asked of plans: names, units, bounds and what they mean.
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

namespace {

constexpr double kMaxPx = 1e9;  // of a region's numbers

OptionValue region_value(const GridOptions& options) {
  if (!options.region_px) return {};
  const RectPx& region = *options.region_px;
  return std::vector<double>{static_cast<double>(region.x), static_cast<double>(region.y),
                             static_cast<double>(region.width), static_cast<double>(region.height)};
}

void put_region(GridOptions& options, const OptionValue& value) {
  std::optional<std::vector<double>> numbers;
  put_value(value, numbers);
  options.region_px.reset();
  if (!numbers) return;
  const auto px = [&](size_t i) { return static_cast<int64_t>(numbers->at(i)); };
  options.region_px = RectPx{px(0), px(1), px(2), px(3)};
}

}  // namespace

const OptionTable<PatchSpec>& PatchSpec::table() {
  static const auto kTable =
      OptionTable<PatchSpec>()
          .row("size_px", &PatchSpec::size_px,
               {.help = "side of a patch",
                .unit = "px",
                .least = 1,
                .most = 16384,
                .required = true})
          .row("level", &PatchSpec::level,
               {.help = "pyramid level that patches are cut from, native pixels", .least = 0})
          .row("mpp", &PatchSpec::mpp,
               {.help = "scale of the patches, by resampling",
                .unit = "µm/px",
                .least = 0.01,
                .most = 1000});
  return kTable;
}

void PatchSpec::validate() const {
  table().check(*this);
  if (level.has_value() == mpp.has_value()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} of `level` and `mpp`, expected exactly one of them",
                            level ? "both" : "neither"));
  }
}

const OptionTable<AnnotationRule>& AnnotationRule::table() {
  static const auto kTable =
      OptionTable<AnnotationRule>()
          .row("min_coverage", &AnnotationRule::min_coverage,
               {.help = "covered fraction that gives a patch its label",
                .least = 0,
                .most = 1,
                .above_least = true})
          .row("min_tissue", &AnnotationRule::min_tissue,
               {.help = "tissue fraction of a patch that is taken from tissue by annotations",
                .least = 0,
                .most = 1})
          .row("max_per_slide", &AnnotationRule::max_per_slide,
               {.help = "labelled patches of a slide at most", .least = 1})
          .row("seed", &AnnotationRule::seed, {.help = "seed of the sampling", .least = 0});
  return kTable;
}

const OptionTable<GridOptions>& GridOptions::table() {
  static const auto kTable =
      OptionTable<GridOptions>()
          .row("stride_px", &GridOptions::stride_px,
               {.help = "step of the grid in pixels of the patch",
                .unit = "px",
                .least = 1,
                .most = 1e6,
                .otherwise = "the patch's size"})
          .row("region", OptionKind::kNumbers,
               {.help = "grid only here: X,Y,WIDTH,HEIGHT",
                .unit = "level-0 px",
                .least = -kMaxPx,
                .most = kMaxPx,
                .count = 4,
                .whole = true,
                .otherwise = "the whole slide"},
               region_value, put_region)
          .row("min_tissue", &GridOptions::min_tissue,
               {.help = "tissue fraction that a patch of a grid must have", .least = 0, .most = 1});
  return kTable;
}

void GridOptions::validate() const { table().check(*this); }

}  // namespace lamella::patch
