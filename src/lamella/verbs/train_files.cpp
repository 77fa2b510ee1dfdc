// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/train_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/feature/feature_space.h"
#include "lamella/feature/foreign.h"
#include "lamella/io/table.h"
#include "lamella/model/onnx_export.h"
#include "lamella/verbs/fold_groups.h"
#include "lamella/verbs/scale.h"
#include "lamella/verbs/unsure.h"

namespace lamella::verbs {

namespace {

// Keeps the rows that have a label.
void drop_unlabelled(storage::FeatureFile& file) {
  std::vector<patch::PatchRow>& rows = file.plan.rows;
  feature::FeatureMatrix& features = file.features;
  int64_t kept = 0;
  for (int64_t i = 0; i < features.rows; ++i) {
    const patch::PatchRow row = rows[static_cast<size_t>(i)];
    if (row.label == patch::kNoLabel) continue;
    if (kept < i) {
      rows[static_cast<size_t>(kept)] = row;
      std::ranges::copy(std::as_const(features).row(i), features.row(kept).begin());
    }
    ++kept;
  }
  rows.resize(static_cast<size_t>(kept));
  features.values.resize(static_cast<size_t>(kept * features.columns));
  features.rows = kept;
}

void require_patient(const std::map<std::string, std::string>& patients,
                     const std::string& slide_id, const std::string& where) {
  if (patients.empty() || patients.contains(to_lower(slide_id))) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("slide '{}' is not named; expected slide_id,patient_id for every slide "
                          "that trains",
                          slide_id),
              where);
}

std::string patient_of(const std::map<std::string, std::string>& patients,
                       const std::string& slide_id) {
  require_patient(patients, slide_id, "groups");
  return patients.empty() ? slide_id : patients.at(to_lower(slide_id));
}

// The feature_space begins with the encoder's name and hash.
encoder::EncoderInfo encoder_of(const std::string& feature_space,
                                const TrainFeaturesOptions& options) {
  if (feature::is_foreign(feature_space)) {
    encoder::EncoderInfo foreign;
    foreign.name = feature::encoder_name(feature_space);
    return foreign;
  }
  const std::string& choice = options.encoder;
  const encoder::EncoderInfo info =
      options.found_encoder
          ? *options.found_encoder
          : encoder::find_encoder(choice.empty() ? feature::encoder_name(feature_space) : choice);
  if (!feature_space.starts_with(encoder::network_space(info) + "/")) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("the features were made by '{}', this encoder is '{}'; give the right "
                            "one as `encoder`{}",
                            feature_space, encoder::network_space(info),
                            feature::earlier_space_advice(feature_space, "")),
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

std::map<std::string, std::string> read_groups(const std::string& path, io::Notes notes) {
  std::vector<io::CsvRow> rows = io::read_csv(path, notes);
  if (rows.empty()) throw Error(ErrorCode::kFormat, "no line names a slide", path);
  const std::vector<std::string>& first = rows.front().fields;
  const bool header = std::any_of(first.begin(), first.end(), [](const std::string& field) {
    return to_lower(field) == "slide_id";
  });
  if (!header) {  // the two columns alone
    io::CsvRow names = rows.front();
    names.fields = {"slide_id", "patient_id"};
    names.columns = {1, 1};
    rows.insert(rows.begin(), std::move(names));
  }
  const io::Table table(path, std::move(rows), {{"slide_id", true}, {"patient_id", true}}, notes);
  std::map<std::string, std::string> groups;
  for (size_t row = 0; row < table.size(); ++row) {
    const std::string slide = table.needed(row, "slide_id", "a slide id");
    const std::string patient = table.needed(row, "patient_id", "the slide's patient");
    if (!groups.emplace(to_lower(slide), patient).second) {
      table.fail(row, "slide_id", "each slide once");
    }
  }
  if (groups.empty()) throw Error(ErrorCode::kFormat, "no line names a slide", path);
  return groups;
}

namespace {

// The classes of the plans that have some; all of them have to be the same.
ClassTable classes_of(const std::vector<storage::FeatureFile>& files) {
  const patch::PatchPlan* first = nullptr;
  for (const storage::FeatureFile& file : files) {
    if (file.plan.classes.empty()) continue;
    if (!first) first = &file.plan;
    require_same_classes(file.plan.classes, "slide '" + file.plan.slide_id + "'", first->classes,
                         "slide '" + first->slide_id + "'");
  }
  if (first) return first->classes;
  throw Error(ErrorCode::kInvalidArgument,
              "the features' plans name no classes: none of their rows has a label; plan the "
              "slides with labels (plans with `classes`)");
}

// Of the files' features, wherever their values are now.
model::Model model_of(const std::vector<storage::FeatureFile>& files,
                      const feature::FeatureMatrix& features, const TrainFeaturesOptions& options) {
  std::vector<SlideScale> scales;
  for (const storage::FeatureFile& file : files) {
    scales.push_back({file.plan.slide_id, file.plan.geometry.effective_mpp});
  }
  model::Model model;
  model.effective_mpp = training_mpp(scales);
  model.encoder = encoder_of(features.feature_space, options);
  model.classifier.feature_space = features.feature_space;
  model.classifier.classes = classes_of(files);
  model.spec = files.front().plan.spec;
  model.precision = encoder::parse_precision(features.precision);
  model.name = "model";
  return model;
}

feature::FeatureMatrix joined(std::span<const feature::FeatureMatrix> parts,
                              const Context& context) {
  std::string warning;
  feature::FeatureMatrix features = feature::concatenate(parts, &warning);
  if (!warning.empty()) context.warn(warning);
  return features;
}

// Of each class, from the rows that were held out; none without cross-validation.
std::vector<evaluation::Thresholds> thresholds_of(const classifier::HeldOut& held_out,
                                                  const std::vector<int8_t>& labels) {
  std::vector<evaluation::Thresholds> thresholds;
  for (int k = 0; !held_out.rows.empty() && k < held_out.scores.classes.count(); ++k) {
    std::vector<int8_t> is_class;
    for (const int64_t row : held_out.rows) {
      is_class.push_back(labels[static_cast<size_t>(row)] == k);
    }
    thresholds.push_back(evaluation::choose_thresholds(held_out.scores.column(k), is_class));
  }
  return thresholds;
}

}  // namespace

model::Model untrained_model(const std::vector<storage::FeatureFile>& files,
                             const TrainFeaturesOptions& options, const Context& context) {
  std::vector<feature::FeatureMatrix> parts;
  for (const storage::FeatureFile& file : files) parts.push_back(file.features);
  return model_of(files, joined(parts, context), options);
}

TrainFilesResult train_features(std::vector<storage::FeatureFile> files,
                                const TrainFeaturesOptions& options, const Context& context) {
  require_distinct_slides(files, options.sources, context);
  std::vector<feature::FeatureMatrix> parts;
  std::vector<GroupedSlide> slides;
  std::vector<int8_t> labels;
  for (storage::FeatureFile& file : files) {
    drop_unlabelled(file);
    parts.push_back(std::move(file.features));
    const patch::PatchPlan& plan = file.plan;
    if (plan.rows.empty()) {
      context.warn(plan.slide_id + ": no row has a label; its features add nothing");
    }
    slides.push_back(
        {patient_of(options.patients, plan.slide_id), plan.rows, plan.geometry.extent_x_px});
    for (const patch::PatchRow& row : plan.rows) labels.push_back(row.label);
  }
  const feature::FeatureMatrix features = joined(parts, context);

  TrainFilesResult result;
  result.model = model_of(files, features, options);
  const std::vector<double>& views = result.model.encoder.views;
  const double widest = views.empty() ? 1 : *std::max_element(views.begin(), views.end());
  for (GroupedSlide& slide : slides) slide.field_px *= widest;
  const FoldGroups folds = fold_groups(slides);
  const classifier::TrainResult trained = classifier::train_classifier(
      {features, labels, folds.groups, result.model.classifier.classes, folds.guards},
      options.train, context);
  std::vector<std::pair<std::string, int64_t>> rows;
  for (const storage::FeatureFile& file : files) {
    rows.emplace_back(file.plan.slide_id, static_cast<int64_t>(file.plan.rows.size()));
  }
  result.held_out_unsure = unsure_by_slide(trained.held_out, rows);
  result.model.thresholds = thresholds_of(trained.held_out, labels);
  result.model.classifier = trained.model;
  result.model.trials = trained.trials;
  result.folds = trained.folds;
  result.class_rows = trained.class_rows;
  return result;
}

TrainFilesResult train_files(const TrainFilesOptions& options, const Context& context) {
  TrainFeaturesOptions train;
  train.encoder = options.encoder;
  train.train = options.train;
  if (!options.groups_csv.empty()) {
    std::vector<std::string> notes;
    train.patients = read_groups(options.groups_csv, &notes);
    for (const std::string& note : notes) context.warn(options.groups_csv + ": " + note);
  }
  std::vector<storage::FeatureFile> files;
  for (const std::string& path : options.features) {
    files.push_back(storage::read_features(path));
    require_patient(train.patients, files.back().plan.slide_id, options.groups_csv);
    train.sources.push_back(path);
  }
  return train_features(std::move(files), train, context);
}

void write_whole_model(const model::Model& model, const std::string& folder,
                       const Context& context) {
  model::write_model(model, folder);
  if (feature::is_foreign(model.classifier.feature_space)) {
    context.warn(folder + ": its encoder is not lamella's (" + model.encoder.name +
                 "): it scores feature files alone, and is no MLflow model of patches");
    return;
  }
  model::write_position_model(model, folder);
  // As it lies there: the encoder is the model's own.
  if (const auto reason = model::write_mlflow_files(model::read_model(folder), folder)) {
    context.warn(folder + ": has no ONNX file and is no MLflow model of patches: " + *reason);
  }
}

}  // namespace lamella::verbs
