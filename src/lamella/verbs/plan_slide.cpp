// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/plan_slide.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lamella/annotation/annotation.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/patch/outline_check.h"
#include "lamella/slide/damage_as_white.h"

namespace lamella::verbs {

namespace {

annotation::AnnotationSet read_annotation_files(const std::vector<std::string>& paths,
                                                const slide::SlideInfo& info) {
  const annotation::SlideFrame frame = patch::frame_of(info);
  annotation::AnnotationSet all;
  for (const std::string& path : paths) {
    annotation::AnnotationSet set = annotation::read_annotations(path, &frame);
    all.path = all.path.empty() ? path : all.path + ", " + path;
    std::move(set.polygons.begin(), set.polygons.end(), std::back_inserter(all.polygons));
    for (const std::string& group : set.groups) {
      if (std::find(all.groups.begin(), all.groups.end(), group) == all.groups.end()) {
        all.groups.push_back(group);
      }
    }
    std::move(set.notes.begin(), set.notes.end(), std::back_inserter(all.notes));
  }
  return all;
}

patch::LabelSources sources_of(const PlanSlideOptions& options) {
  patch::LabelSources sources;
  sources.rule = options.rule;
  patch::assign_classes(patch::named_classes(options.labels, options.centers), sources);
  return sources;
}

patch::PatchPlan make_plan(const slide::Slide& slide, const std::string& slide_id,
                           const PlanSlideOptions& options, const Context& context) {
  const tissue::TissueMask mask =
      tissue_mask(options.tissue, options.mask, options.damage.on_damage, slide, context);
  const slide::SlideInfo& info = slide.info();
  if (!options.has_labels()) {
    return patch::plan_grid(info, slide_id, options.spec, mask, options.grid);
  }
  const patch::LabelSources sources = sources_of(options);
  if (options.annotations.empty()) {
    return patch::plan_from_centres(info, slide_id, options.spec, mask,
                                    read_lists(sources, context));
  }
  const annotation::AnnotationSet set = read_annotation_files(options.annotations, info);
  return patch::plan_from_annotations(info, slide_id, options.spec, mask, set, sources.rule);
}

}  // namespace

patch::CentreLists read_lists(const patch::LabelSources& sources, const Context& context) {
  patch::CentreLists lists{sources.rule.classes, {}};
  for (const patch::CentreFile& file : sources.centers) {
    std::vector<std::string> notes;
    lists.lists.push_back(
        {annotation::read_ncrf_centres(file.path, &notes), file.label, file.path});
    for (const std::string& note : notes) context.warn(file.path + ": " + note);
  }
  return lists;
}

void PlanSlideOptions::validate() const {
  spec.validate();
  grid.validate();
  mask.validate();
  if (!centers.empty() && !annotations.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "found both `centers` and `annotations`, expected one source of labels");
  }
  if (!has_labels() && !labels.classes.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found the `classes` {}, and neither `centers` nor `annotations` that "
                            "say where they are",
                            join(labels.classes, ", ")));
  }
  if (has_labels()) sources_of(*this);
}

tissue::TissueMask tissue_mask(const std::string& choice, const tissue::TissueOptions& options,
                               slide::OnDamage on_damage, const slide::Slide& slide,
                               const Context& context) {
  if (choice == "auto") {
    if (on_damage == slide::OnDamage::kFail) {
      return tissue::make_tissue_mask(slide, options, context);
    }
    const slide::DamageAsWhite readable(slide);
    tissue::TissueMask mask = tissue::make_tissue_mask(readable, options, context);
    for (const std::string& warning : readable.warnings()) context.warn(warning);
    return mask;
  }
  if (choice == "none") return tissue::all_tissue(slide.info());
  std::vector<std::string> notes;
  tissue::TissueMask mask = tissue::read_tissue_mask(choice, slide.info(), &notes);
  for (const std::string& note : notes) context.warn(note);
  return mask;
}

patch::PatchPlan plan_slide(const slide::Slide& slide, const std::string& slide_id,
                            const PlanSlideOptions& options, const Context& context) {
  options.validate();
  patch::PatchPlan plan = make_plan(slide, slide_id, options, context);
  for (const std::string& warning : plan.warnings) context.warn(warning);
  return plan;
}

}  // namespace lamella::verbs
