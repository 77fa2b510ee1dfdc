// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/calibrate_model.h"

#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/evaluation/recalibration.h"
#include "lamella/verbs/train_files.h"

namespace lamella::verbs {

namespace {

// Thresholds where the same rows lie above them. Of more than two classes there are none: one
// slope moves a probability by all the others, too.
std::vector<evaluation::Thresholds> moved(std::vector<evaluation::Thresholds> thresholds,
                                          const evaluation::Recalibration& fit) {
  if (thresholds.size() != 2) return {};
  for (size_t k = 0; k < 2; ++k) {
    const double intercept = k == 1 ? fit.intercept : -fit.intercept;
    for (std::optional<double>* one : {&thresholds[k].accuracy, &thresholds[k].f1}) {
      if (!*one || **one <= 0 || **one >= 1) continue;
      const double z = fit.slope * std::log(**one / (1 - **one)) + intercept;
      *one = 1 / (1 + std::exp(-z));
    }
  }
  return thresholds;
}

}  // namespace

model::Model calibrated(const model::Model& model, const JoinedRows& rows, const Context& context) {
  require_same_classes(rows.scores.classes, "the scores", model.classifier.classes, "the model");
  const evaluation::Recalibration fit = evaluation::fit_recalibration(rows.scores, rows.labels);
  model::Model made = model;
  const classifier::Calibration now = model.classifier.calibration;
  made.classifier.calibration = {fit.slope * now.slope, fit.slope * now.intercept + fit.intercept};
  made.thresholds = moved(model.thresholds, fit);
  model::Recalibrated& about = made.recalibrated.emplace();
  about.before = model.recalibrated ? model.recalibrated->before : now;
  about.patients = static_cast<int64_t>(rows.places.patients.size());
  about.slides = static_cast<int64_t>(rows.places.slides.size());
  about.patches = static_cast<int64_t>(rows.labels.size());
  about.log_loss_before = fit.log_loss_before;
  about.log_loss_after = fit.log_loss_after;
  if (about.patients == 0) {
    context.warn(
        fmt::format("calibrated on {} slides of patients that are not known (`groups`): "
                    "calibration differs between patients more than within",
                    about.slides));
  } else if (about.patients < evaluation::kLeastClusters) {
    context.warn(
        fmt::format("calibrated on {} patients: it may not hold for others; at least {} "
                    "are needed to tell",
                    about.patients, evaluation::kLeastClusters));
  }
  return made;
}

model::Model calibrate_files(const CalibrateFiles& files, const Context& context) {
  const model::Model model = model::read_model(files.model);
  EvaluateOptions options;
  if (!files.groups_csv.empty()) options.patients = read_groups(files.groups_csv);
  std::vector<Truth> truths;
  for (const std::string& path : files.truth) {
    for (Truth& truth : read_truth(path, model.classifier.classes, context)) {
      truths.push_back(std::move(truth));
    }
  }
  const JoinedRows rows =
      join_rows(read_named_scores(files.scores, context), truths, options, context);
  model::Model made = calibrated(model, rows, context);
  write_whole_model(made, files.out, context);
  return made;
}

nlohmann::json calibration_json(const model::Model& model, const std::string& path) {
  const model::Recalibrated& about = *model.recalibrated;
  const auto json_of = [](const classifier::Calibration& calibration) {
    return nlohmann::json{{"slope", calibration.slope}, {"intercept", calibration.intercept}};
  };
  return {{"out", path},
          {"calibration", json_of(model.classifier.calibration)},
          {"before", json_of(about.before)},
          {"patients", about.patients},
          {"slides", about.slides},
          {"patches", about.patches},
          {"log_loss_before", about.log_loss_before},
          {"log_loss_after", about.log_loss_after}};
}

}  // namespace lamella::verbs
