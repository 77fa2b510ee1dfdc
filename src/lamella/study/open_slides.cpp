// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/slide/colour_profiles.h"
#include "lamella/study/run_state_internal.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

namespace {

// Ids in the lists that the table does not have, in one warning.
void warn_unknown_ids(const RunState& state) {
  std::set<std::string> known;
  for (const SlideWork& work : state.works) known.insert(to_lower(work.entry.slide_id));
  std::set<std::string> unknown;
  int64_t rows = 0;
  for (const patch::LabelledCentres& list : state.pieces.centres) {
    for (const annotation::Centre& centre : list.centres) {
      if (known.contains(to_lower(centre.slide_id))) continue;
      unknown.insert(centre.slide_id);
      ++rows;
    }
  }
  if (unknown.empty()) return;
  std::vector<std::string> first(unknown.begin(), unknown.end());
  if (first.size() > 3) first.resize(3);
  state.context.warn(fmt::format(
      "{} rows of the centre lists name {} slides that the table does not have ({}{}); they are "
      "left out",
      rows, unknown.size(), join(first, ", "), unknown.size() > 3 ? ", …" : ""));
}

void warn_of_profiles(const RunState& state) {
  std::vector<std::optional<slide::ColourProfile>> profiles;
  for (const SlideWork& work : state.works) {
    if (work.slide) profiles.push_back(work.slide->info.icc);
  }
  if (const auto warning = slide::unlike_profiles(profiles)) state.context.warn(*warning);
}

}  // namespace

void open_slides(RunState& state) {
  state.pieces.centres = verbs::read_lists(state.study.plans.labels, state.context).lists;
  warn_unknown_ids(state);
  const auto total = static_cast<int64_t>(state.works.size());
  int64_t opened = 0;
  for_each_slide(state, [&](SlideWork& work) {
    state.context.report("open slides", opened++, total, "slides");
    work.slide = cohort::open_cohort_slide(work.entry, state.context);
    cohort::add_annotations(state.study.plans, state.study.slides.table, *work.slide,
                            state.context);
  });
  state.context.report("open slides", total, total, "slides");
  refuse_same_slides(state);
  warn_of_profiles(state);

  std::vector<verbs::SlideScale> scales;
  for_each_slide(state, [&](SlideWork& work) {
    if (work.entry.role != cohort::Role::kTrain) return;
    const patch::PatchGeometry geometry =
        patch::resolve_geometry(state.study.plans.patches, work.slide->info);
    scales.push_back({work.entry.slide_id, geometry.effective_mpp});
  });
  state.pieces.mpp = verbs::training_mpp(scales);
}

}  // namespace lamella::study
