// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/train_files.h"

#include <fmt/format.h>

#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"
#include "lamella/study/fold_groups.h"
#include "lamella/study/scale.h"

namespace lamella::study {

namespace {

// Keeps the rows that have a label.
void drop_unlabelled(storage::FeatureFile& file) {
  storage::FeatureFile kept = file;
  kept.plan.rows.clear();
  kept.features.values.clear();
  kept.features.rows = 0;
  for (int64_t i = 0; i < file.features.rows; ++i) {
    const patch::PatchRow& row = file.plan.rows[static_cast<size_t>(i)];
    if (row.label == patch::kNoLabel) continue;
    kept.plan.rows.push_back(row);
    const auto values = std::as_const(file.features).row(i);
    kept.features.values.insert(kept.features.values.end(), values.begin(), values.end());
    ++kept.features.rows;
  }
  file = std::move(kept);
}

std::string patient_of(const std::map<std::string, std::string>& groups,
                       const std::string& slide_id, const std::string& csv) {
  if (csv.empty()) return slide_id;
  const auto found = groups.find(to_lower(slide_id));
  if (found == groups.end()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("slide '{}' is not named; expected a line slide_id,patient_id for every "
                    "feature file",
                    slide_id),
        csv);
  }
  return found->second;
}

// The feature_space begins with the encoder's name and hash.
encoder::EncoderInfo encoder_of(const std::string& feature_space, const std::string& choice) {
  const size_t slash = feature_space.find('/');
  const encoder::EncoderInfo info =
      encoder::find_encoder(choice.empty() ? feature_space.substr(0, slash) : choice);
  if (!feature_space.starts_with(info.name + "/" + info.sha256)) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("the features were made by '{}', this encoder is '{}/{}'; give the "
                            "right one with --encoder",
                            feature_space, info.name, info.sha256),
                info.folder);
  }
  return info;
}

}  // namespace

std::optional<double> parse_l2(const std::string& text) {
  if (text == "cv") return {};
  const auto value = parse_double(text);
  if (!value) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("l2: found '{}', expected cv or a number", text));
  }
  return value;
}

std::map<std::string, std::string> read_groups(const std::string& path) {
  std::map<std::string, std::string> groups;
  for (const io::CsvRow& row : io::read_csv(path)) {
    if (row.fields.size() != 2)
      io::throw_csv_error(path, row, row.fields.size(), "slide_id,patient_id");
    if (to_lower(row.fields[0]) == "slide_id") continue;
    if (!groups.emplace(to_lower(row.fields[0]), row.fields[1]).second) {
      io::throw_csv_error(path, row, 0, "each slide once");
    }
  }
  return groups;
}

TrainFilesResult train_files(const TrainFilesOptions& options, const Context& context) {
  std::map<std::string, std::string> patients;
  if (!options.groups_csv.empty()) patients = read_groups(options.groups_csv);

  std::vector<storage::FeatureFile> files;
  std::vector<feature::FeatureMatrix> parts;
  std::vector<SlideScale> scales;
  for (const std::string& path : options.features) {
    files.push_back(storage::read_features(path));
    drop_unlabelled(files.back());
    parts.push_back(files.back().features);
    const patch::PatchPlan& plan = files.back().plan;
    scales.push_back({plan.slide_id, plan.geometry.effective_mpp});
    if (plan.rows.empty()) context.warn(path + ": no row has a label; the file adds nothing");
  }
  std::vector<GroupedSlide> slides;
  std::vector<int8_t> labels;
  for (const storage::FeatureFile& file : files) {
    slides.push_back(
        {patient_of(patients, file.plan.slide_id, options.groups_csv), file.plan.rows});
    for (const patch::PatchRow& row : file.plan.rows) labels.push_back(row.label);
  }
  std::string warning;
  const feature::FeatureMatrix features = feature::concatenate(parts, &warning);
  if (!warning.empty()) context.warn(warning);

  TrainFilesResult result;
  result.model.effective_mpp = training_mpp(scales);
  result.model.encoder = encoder_of(features.feature_space, options.encoder);
  const classifier::TrainResult trained =
      classifier::train_classifier(features, labels, fold_groups(slides), options.train, context);
  result.model.classifier = trained.model;
  result.model.trials = trained.trials;
  result.model.spec = files.front().plan.spec;
  result.model.precision = encoder::parse_precision(features.precision);
  result.model.name = "model";
  result.folds = trained.folds;
  result.rows_positive = trained.rows_positive;
  result.rows_negative = trained.rows_negative;
  return result;
}

}  // namespace lamella::study
