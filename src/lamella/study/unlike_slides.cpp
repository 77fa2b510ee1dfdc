// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/median.h"
#include "lamella/base/text.h"
#include "lamella/study/unlike_slides_internal.h"

namespace lamella::study {

namespace {

// Evenly over the slide, in runs of rows that lie together on disk.
constexpr int64_t kRowsOfARun = 10;

void warn_of(RunState& state, const SlideWork& work, const std::string& why) {
  state.context.warn(fmt::format("slide '{}' is unlike those that the model was trained on: {}",
                                 work.entry.slide_id, why));
}

void judge(RunState& state, SlideWork& work) {
  const record::Usual& usual = *state.record.document().usual;
  record::Outcome& outcome = work.outcome;
  if (usual.feature_distance && outcome.feature_distance > usual.feature_distance) {
    outcome.unlike.push_back(fmt::format(
        "its features lie {:.2f} from the nearest training patches, up to {:.2f} is usual",
        *outcome.feature_distance, *usual.feature_distance));
  }
  if (usual.unsure && outcome.unsure > usual.unsure) {
    outcome.unlike.push_back(
        fmt::format("the model is unsure of {:.0f} % of its patches, up to {:.0f} % is usual",
                    100 * *outcome.unsure, 100 * *usual.unsure));
  }
  if (!outcome.unlike.empty()) warn_of(state, work, join(outcome.unlike, "; "));
}

void measure(RunState& state, SlideWork& work, const feature::FeatureMatrix& features) {
  work.outcome.feature_distance = state.likeness.nearest->distance(features);
  work.outcome.unsure =
      verbs::unsure_share(classifier::score_patches(features, state.fitted.model.classifier));
  judge(state, work);
}

}  // namespace

void learn_what_is_usual(RunState& state, const verbs::HeldOutSlides& held_out) {
  std::map<std::string, int32_t> patients;
  std::vector<classifier::ReferencePart> parts;
  std::vector<SlideWork*> training;
  for (SlideWork& work : state.works) {
    if (work.entry.role != cohort::Role::kTrain || !work.alive() || !work.labelled) continue;
    const auto next = static_cast<int32_t>(patients.size());
    const int32_t patient = patients.emplace(to_lower(work.entry.patient_id), next).first->second;
    parts.push_back({&work.labelled->file.features, patient});
    training.push_back(&work);
  }
  state.likeness.nearest.emplace(state.fitted.model.classifier, parts);
  std::vector<double> distances, unsure;
  for (size_t k = 0; k < parts.size(); ++k) {
    record::Outcome& outcome = training[k]->outcome;
    outcome.feature_distance = state.likeness.nearest->distance(*parts[k].features, parts[k].group);
    if (outcome.feature_distance) distances.push_back(*outcome.feature_distance);
    const auto found = held_out.find(training[k]->labelled->file.plan.slide_id);
    if (found == held_out.end()) continue;
    outcome.unsure = verbs::unsure_share(found->second.scores);
    if (outcome.unsure) unsure.push_back(*outcome.unsure);
  }
  record::Usual& usual = state.record.document().usual.emplace();
  usual.slides = static_cast<int64_t>(distances.size());
  usual.feature_distance = classifier::usual_limit(distances);
  usual.unsure = classifier::usual_limit(unsure);
  std::vector<double> null =
      verbs::null_slide_scores(held_out, state.study.heatmap.overlay.shown_class);
  usual.null_slides = static_cast<int64_t>(null.size());
  if (!null.empty()) {
    usual.null_score_most = std::ranges::max(null);
    usual.null_score = median(null);
  }
  for (SlideWork& work : state.works) {
    if (work.entry.role != cohort::Role::kTest || !work.alive() || !work.labelled) continue;
    if (!work.labelled->file.plan.rows.empty()) measure(state, work, work.labelled->file.features);
  }
}

void compare_with_usual(RunState& state, SlideWork& work, const storage::FeatureReader& grid) {
  const auto rows = static_cast<int64_t>(grid.plan().rows.size());
  if (rows == 0) return;
  feature::FeatureMatrix some;
  const int64_t runs = classifier::kRowsCompared / kRowsOfARun;
  for (int64_t k = 0; k < runs; ++k) {
    const int64_t first = k * rows / runs;
    const int64_t wanted = std::min({kRowsOfARun, (k + 1) * rows / runs - first, rows - first});
    if (wanted <= 0) continue;
    const feature::FeatureMatrix part = grid.read(first, wanted);
    some.columns = part.columns;
    some.rows += part.rows;
    some.values.insert(some.values.end(), part.values.begin(), part.values.end());
    some.feature_space = part.feature_space;
  }
  measure(state, work, some);
}

namespace {

const tissue::SlideLook* look_of(const RunState& state, const SlideWork& work) {
  const auto& all = state.likeness.tissues;
  const auto found = std::ranges::find(all, work.entry.slide_id, &tissue::CohortSlide::slide_id);
  return found == all.end() ? nullptr : &found->look;
}

// Of the slides to train on, but for those of one patient.
std::vector<tissue::SlideLook> training_looks(const RunState& state, const std::string& left_out) {
  std::vector<tissue::SlideLook> looks;
  for (const SlideWork& work : state.works) {
    if (work.entry.role != cohort::Role::kTrain || to_lower(work.entry.patient_id) == left_out) {
      continue;
    }
    if (const tissue::SlideLook* look = look_of(state, work)) looks.push_back(*look);
  }
  return looks;
}

}  // namespace

void compare_colours(RunState& state) {
  std::optional<record::Usual>& usual = state.record.document().usual;
  if (!usual) return;
  std::vector<double> held_out;
  for (SlideWork& work : state.works) {
    const tissue::SlideLook* look = look_of(state, work);
    if (!look) continue;
    const bool trains = work.entry.role == cohort::Role::kTrain;
    work.outcome.stain_shift = tissue::stain_shift(
        *look, training_looks(state, trains ? to_lower(work.entry.patient_id) : ""));
    if (trains && work.outcome.stain_shift) held_out.push_back(*work.outcome.stain_shift);
  }
  usual->stain_shift = classifier::usual_limit(held_out);
  if (!usual->stain_shift) return;
  for (SlideWork& work : state.works) {
    const std::optional<double>& shift = work.outcome.stain_shift;
    if (work.entry.role == cohort::Role::kTrain || !shift || *shift <= *usual->stain_shift) {
      continue;
    }
    const std::string why = fmt::format(
        "its stain absorbs otherwise, by {:.2f} of optical density, up to {:.2f} is "
        "usual",
        *shift, *usual->stain_shift);
    work.outcome.unlike.push_back(why);
    warn_of(state, work, why);
  }
}

}  // namespace lamella::study
