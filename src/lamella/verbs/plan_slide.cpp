// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/plan_slide.h"

#include <algorithm>
#include <iterator>

#include "lamella/annotation/annotation.h"
#include "lamella/base/error.h"

namespace lamella::verbs {

namespace {

annotation::AnnotationSet read_annotation_files(const std::vector<std::string>& paths) {
  annotation::AnnotationSet all;
  for (const std::string& path : paths) {
    annotation::AnnotationSet set = annotation::read_annotations(path);
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

patch::PatchPlan make_plan(const slide::Slide& slide, const std::string& slide_id,
                           const PlanSlideOptions& options, const Context& context) {
  const tissue::TissueMask mask = tissue_mask(options.tissue, slide, context);
  const slide::SlideInfo& info = slide.info();
  if (!options.centers.empty()) {
    patch::CentreLists lists{two_classes(), {}};
    for (const patch::CentreFile& file : options.centers) {
      std::vector<std::string> notes;
      lists.lists.push_back(
          {annotation::read_ncrf_centres(file.path, &notes), file.label, file.path});
      for (const std::string& note : notes) context.warn(file.path + ": " + note);
    }
    return patch::plan_from_centres(info, slide_id, options.spec, mask, lists);
  }
  if (!options.annotations.empty()) {
    const annotation::AnnotationSet set = read_annotation_files(options.annotations);
    return patch::plan_from_annotations(info, slide_id, options.spec, mask, set,
                                        with_groups(options.rule, options.groups));
  }
  return patch::plan_grid(info, slide_id, options.spec, mask, options.grid);
}

}  // namespace

const ClassTable& two_classes() {
  static const ClassTable kTwo{{"normal", "tumor"}};
  return kTwo;
}

patch::AnnotationRule with_groups(patch::AnnotationRule rule, const TwoGroups& groups) {
  rule.classes = two_classes();
  const std::string& second = rule.classes.names[1];
  rule.rules = {{groups.negative, groups.negative_from_tissue, {second}},
                {groups.positive, false, {}}};
  return rule;
}

void PlanSlideOptions::validate() const {
  spec.validate();
  grid.validate();
  if (!annotations.empty()) with_groups(rule, groups).validate();
  if (!centers.empty() && !annotations.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "found both centers and annotations, expected one source of labels");
  }
}

tissue::TissueMask tissue_mask(const std::string& choice, const slide::Slide& slide,
                               const Context& context) {
  if (choice == "auto") return tissue::make_tissue_mask(slide, {}, context);
  if (choice == "none") return tissue::all_tissue(slide.info());
  return tissue::read_tissue_mask(choice, slide.info());
}

patch::PatchPlan plan_slide(const slide::Slide& slide, const std::string& slide_id,
                            const PlanSlideOptions& options, const Context& context) {
  options.validate();
  patch::PatchPlan plan = make_plan(slide, slide_id, options, context);
  for (const std::string& warning : plan.warnings) context.warn(warning);
  return plan;
}

}  // namespace lamella::verbs
