// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/text.h"
#include "lamella/study/unlike_slides_internal.h"
#include "lamella/verbs/unsure.h"

namespace lamella::study {

namespace {

// Evenly over the slide, in runs of rows that lie together on disk.
constexpr int64_t kRowsOfARun = 10;

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
  if (outcome.unlike.empty()) return;
  state.context.warn(fmt::format("slide '{}' is unlike those that the model was trained on: {}",
                                 work.entry.slide_id, join(outcome.unlike, "; ")));
}

void measure(RunState& state, SlideWork& work, const feature::FeatureMatrix& features) {
  work.outcome.feature_distance = state.nearest->distance(features);
  work.outcome.unsure =
      verbs::unsure_share(classifier::score_patches(features, state.fitted.model.classifier));
  judge(state, work);
}

}  // namespace

void learn_what_is_usual(RunState& state, const std::map<std::string, double>& held_out_unsure) {
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
  state.nearest.emplace(state.fitted.model.classifier, parts);
  std::vector<double> distances, unsure;
  for (size_t k = 0; k < parts.size(); ++k) {
    record::Outcome& outcome = training[k]->outcome;
    outcome.feature_distance = state.nearest->distance(*parts[k].features, parts[k].group);
    if (outcome.feature_distance) distances.push_back(*outcome.feature_distance);
    const auto found = held_out_unsure.find(training[k]->labelled->file.plan.slide_id);
    if (found == held_out_unsure.end()) continue;
    outcome.unsure = found->second;
    unsure.push_back(found->second);
  }
  state.record.document().usual = {static_cast<int64_t>(distances.size()),
                                   classifier::usual_limit(distances),
                                   classifier::usual_limit(unsure)};
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

}  // namespace lamella::study
