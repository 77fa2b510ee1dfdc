// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/import_features.h"

#include <fmt/format.h>

#include <cmath>

#include "lamella/annotation/annotation.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/feature/foreign.h"
#include "lamella/patch/label_patches.h"
#include "lamella/patch/outline_check.h"
#include "lamella/storage/foreign_features.h"

namespace lamella::verbs {

namespace {

using storage::ForeignFeatures;
using storage::ForeignLayout;

double mpp_of(const slide::SlideInfo& info, const std::string& path) {
  if (info.mpp) return (info.mpp->x + info.mpp->y) / 2;
  throw Error(ErrorCode::kInvalidArgument,
              "STAMP's positions are µm, and the slide has no µm per pixel; give `slide_mpp`",
              path);
}

// Side of a patch in level-0 px.
double extent_of(const ForeignFeatures& read, const slide::SlideInfo& info,
                 const ImportFeaturesOptions& options) {
  if (options.extent_px > 0) return options.extent_px;
  if (read.extent_px) return *read.extent_px;
  if (read.extent_um) return *read.extent_um / mpp_of(info, options.features);
  if (!read.patch_px) {
    throw Error(ErrorCode::kInvalidArgument,
                "the file does not say how large its patches are; give CLAM's file of patches/ as "
                "`coords`, or their side in level-0 px as `extent_px`",
                options.features);
  }
  if (read.downsample) return *read.patch_px * *read.downsample;
  const auto level = static_cast<size_t>(read.patch_level.value_or(0));
  if (level >= info.levels.size()) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("its patches are of level {}, and the slide has {} levels", level,
                            info.levels.size()),
                options.features);
  }
  return *read.patch_px * info.levels[level].downsample_x;
}

void require_same_size(const ForeignFeatures& read, const slide::SlideInfo& info,
                       const std::string& path) {
  if (!read.slide_size_px || *read.slide_size_px == info.size_px()) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("its slide is {} x {} px, {} is {} x {} px: another slide",
                          read.slide_size_px->width, read.slide_size_px->height, info.path,
                          info.size_px().width, info.size_px().height),
              path);
}

patch::PatchPlan plan_of(const ForeignFeatures& read, const slide::Slide& slide,
                         const std::string& slide_id, const ImportFeaturesOptions& options) {
  const slide::SlideInfo& info = slide.info();
  const double extent = extent_of(read, info, options);
  const double size = options.size_px > 0 ? options.size_px : read.patch_px.value_or(extent);
  patch::PatchSpec spec{.size_px = static_cast<int>(std::lround(size))};
  if (info.mpp) {
    spec.mpp = (info.mpp->x + info.mpp->y) / 2 * extent / spec.size_px;
  } else {
    spec.level = 0;
    spec.size_px = static_cast<int>(std::lround(extent));
  }
  const double scale =
      read.layout == ForeignLayout::kStamp ? 1 / mpp_of(info, options.features) : 1;
  std::vector<patch::Position> positions;
  for (const PointF& at : read.positions) {
    positions.push_back({std::llround(at.x * scale), std::llround(at.y * scale)});
  }
  return patch::plan_from_positions(info, slide_id, spec, tissue::all_tissue(info), positions);
}

void label(const slide::SlideInfo& info, const ImportFeaturesOptions& options,
           const Context& context, patch::PatchPlan& plan) {
  if (options.centers.empty() && options.annotations.empty()) return;
  patch::LabelSources sources;
  sources.rule = options.rule;
  patch::assign_classes(patch::named_classes(options.labels, options.centers), sources);
  if (options.annotations.empty()) {
    patch::CentreLists lists = read_lists(sources, context);
    for (patch::LabelledCentres& list : lists.lists) {
      list.centres = annotation::centres_of(list.centres, plan.slide_id);
    }
    return patch::label_by_centres(lists, plan);
  }
  const annotation::SlideFrame frame = patch::frame_of(info);
  if (options.annotations.size() > 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "found several `annotations`, expected one file of this slide");
  }
  const auto set = annotation::read_annotations(options.annotations.front(), &frame);
  patch::label_by_annotations(info, set, sources.rule, plan);
}

}  // namespace

const OptionTable<ImportFeaturesOptions>& ImportFeaturesOptions::table() {
  static const auto kTable =
      OptionTable<ImportFeaturesOptions>()
          .row("coords", &ImportFeaturesOptions::coords,
               {.help = "CLAM's file of patches/, which says how large they are"})
          .row("encoder_name", &ImportFeaturesOptions::encoder_name,
               {.help = "network that made them", .otherwise = "as the file names it"})
          .row("extent_px", &ImportFeaturesOptions::extent_px,
               {.help = "side of a patch in level-0 px; 0: as the file says",
                .unit = "px",
                .least = 0,
                .most = 1e6})
          .row("size_px", &ImportFeaturesOptions::size_px,
               {.help = "side of the pictures given to the network; 0: as the file says",
                .unit = "px",
                .least = 0,
                .most = 16384})
          .include(&ImportFeaturesOptions::labels, patch::LabelOptions::table())
          .include(&ImportFeaturesOptions::rule, patch::AnnotationRule::table());
  return kTable;
}

storage::FeatureFile import_features(const slide::Slide& slide, const std::string& slide_id,
                                     const ImportFeaturesOptions& options, const Context& context) {
  ImportFeaturesOptions::table().check(options);
  std::vector<std::string> notes;
  ForeignFeatures read = storage::read_foreign_features(options.features, options.coords, &notes);
  require_same_size(read, slide.info(), options.features);
  storage::FeatureFile file;
  file.plan = plan_of(read, slide, slide_id, options);
  label(slide.info(), options, context, file.plan);
  const std::string name = options.encoder_name.empty() ? read.encoder : options.encoder_name;
  if (name.empty() || name.find_first_of("/@") != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found the network's name '{}', expected one without / and @; give "
                            "`encoder_name`, the same for all slides of a model",
                            name),
                options.features);
  }
  file.features = std::move(read.features);
  const patch::PatchGeometry& geometry = file.plan.geometry;
  file.features.feature_space = fmt::format(
      "{}{}/{}px@{}", feature::kForeign, name, geometry.size_px,
      geometry.effective_mpp ? fmt::format("{:.4f}mpp", *geometry.effective_mpp) : "level0");
  for (const std::string& note : notes) context.warn(options.features + ": " + note);
  for (const std::string& warning : file.plan.warnings) context.warn(warning);
  return file;
}

}  // namespace lamella::verbs
