// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/train_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/feature/feature_space.h"
#include "lamella/feature/foreign.h"
#include "lamella/io/table.h"
#include "lamella/model/onnx_export.h"
#include "lamella/verbs/fold_groups.h"
#include "lamella/verbs/scale.h"

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
                      const std::string& feature_space, const std::string& precision,
                      const TrainFeaturesOptions& options) {
  std::vector<SlideScale> scales;
  for (const storage::FeatureFile& file : files) {
    scales.push_back({file.plan.slide_id, file.plan.geometry.effective_mpp});
  }
  model::Model model;
  model.effective_mpp = training_mpp(scales);
  model.encoder = encoder_of(feature_space, options);
  model.classifier.feature_space = feature_space;
  model.classifier.classes = classes_of(files);
  model.spec = files.front().plan.spec;
  model.precision = encoder::parse_precision(precision);
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

void judge_held_out(const classifier::HeldOut& held_out, const std::vector<int8_t>& labels,
                    TrainFilesResult& result) {
  if (held_out.rows.empty()) return;
  std::vector<int8_t> own;
  for (const int64_t row : held_out.rows) own.push_back(labels[static_cast<size_t>(row)]);
  const evaluation::ClassMetrics made = evaluation::evaluate_classes(held_out.scores, own);
  result.held_out_log_loss = made.log_loss;
  result.held_out_auc = made.macro_auc;
}

}  // namespace

model::Model untrained_model(const std::vector<storage::FeatureFile>& files,
                             const TrainFeaturesOptions& options, const Context& context) {
  std::vector<feature::FeatureMatrix> parts;
  for (const storage::FeatureFile& file : files) parts.push_back(file.features);
  const feature::FeatureMatrix features = joined(parts, context);
  return model_of(files, features.feature_space, features.precision, options);
}

namespace {

// Of the labelled rows of the files' plans; their features in the same order.
TrainFilesResult train_rows(const std::vector<storage::FeatureFile>& files,
                            const feature::FeatureRows& features, const std::string& precision,
                            const TrainFeaturesOptions& options, const Context& context) {
  std::vector<GroupedSlide> slides;
  std::vector<int8_t> labels;
  for (const storage::FeatureFile& file : files) {
    const patch::PatchPlan& plan = file.plan;
    if (plan.rows.empty()) {
      context.warn(plan.slide_id + ": no row has a label; its features add nothing");
    }
    slides.push_back(
        {patient_of(options.patients, plan.slide_id), plan.rows, plan.geometry.extent_x_px});
    for (const patch::PatchRow& row : plan.rows) labels.push_back(row.label);
  }
  TrainFilesResult result;
  result.model = model_of(files, features.feature_space, precision, options);
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
  result.held_out = held_out_by_slide(trained.held_out, labels, rows);
  result.model.thresholds = thresholds_of(trained.held_out, labels);
  judge_held_out(trained.held_out, labels, result);
  result.model.classifier = trained.model;
  result.model.trials = trained.trials;
  result.folds = trained.folds;
  result.class_rows = trained.class_rows;
  return result;
}

}  // namespace

TrainFilesResult train_features(std::vector<storage::FeatureFile> files,
                                const TrainFeaturesOptions& options, const Context& context) {
  require_distinct_slides(files, options.sources, context);
  std::vector<feature::FeatureMatrix> parts;
  for (storage::FeatureFile& file : files) {
    drop_unlabelled(file);
    parts.push_back(std::move(file.features));
  }
  const feature::FeatureMatrix features = joined(parts, context);
  parts.clear();
  return train_rows(files, features, features.precision, options, context);
}

namespace {

constexpr int64_t kRowsAtOnce = 4096;

// Features of files that are many: read a few rows at a time into one piece.
struct LabelledFeatures {
  std::vector<storage::FeatureFile> files;  // plans; of the features what they are, no rows
  bool many = false;                        // more than a copy in memory should be made of
  bool half = false;                        // all are stored as float16, and stay so
  feature::FeatureMatrix floats;
  feature::HalfMatrix halves;
};

LabelledFeatures open_features(const std::vector<std::string>& paths, int64_t most_copied) {
  LabelledFeatures opened;
  opened.half = true;
  double numbers = 0;
  for (const std::string& path : paths) {
    const storage::FeatureReader reader(path);
    storage::FeatureFile& file = opened.files.emplace_back();
    file.plan = reader.plan();
    file.features.columns = reader.columns();
    file.features.feature_space = reader.feature_space();
    file.features.precision = reader.precision();
    opened.half = opened.half && reader.type() == storage::FeatureType::kFloat16;
    numbers += static_cast<double>(file.plan.rows.size()) * static_cast<double>(reader.columns());
  }
  opened.many = numbers > static_cast<double>(most_copied);
  return opened;
}

// values: those of the first rows, as many as there are.
template <typename T, typename M>
void append_labelled(const std::vector<T>& values, std::span<const patch::PatchRow> rows,
                     M& matrix) {
  const auto columns = static_cast<size_t>(matrix.columns);
  for (size_t i = 0; i < values.size() / columns; ++i) {
    if (rows[i].label == patch::kNoLabel) continue;
    const auto row = values.begin() + static_cast<ptrdiff_t>(i * columns);
    matrix.values.insert(matrix.values.end(), row, row + matrix.columns);
  }
}

// Takes the rows that have a label from the readers, and leaves the plans with these.
std::string read_labelled(const std::vector<std::string>& paths, LabelledFeatures& read,
                          const Context& context) {
  std::vector<feature::FeatureMatrix> heads;
  int64_t labelled = 0;
  for (const storage::FeatureFile& file : read.files) {
    heads.push_back(file.features);
    labelled += std::ranges::count_if(
        file.plan.rows, [](const patch::PatchRow& row) { return row.label != patch::kNoLabel; });
  }
  const feature::FeatureMatrix head = joined(heads, context);  // refuses what does not go together
  read.floats.feature_space = read.halves.feature_space = head.feature_space;
  read.floats.columns = read.halves.columns = head.columns;
  const auto numbers = static_cast<size_t>(checked_mul(labelled, head.columns, "features"));
  if (read.half) {
    read.halves.values.reserve(numbers);
  } else {
    read.floats.values.reserve(numbers);
  }
  for (size_t k = 0; k < paths.size(); ++k) {
    const storage::FeatureReader reader(paths[k]);
    std::vector<patch::PatchRow>& rows = read.files[k].plan.rows;
    const auto all = static_cast<int64_t>(rows.size());
    for (int64_t first = 0; first < all; first += kRowsAtOnce) {
      context.cancel.check();
      context.report("read features", first, all, "patches");
      const int64_t count = std::min(kRowsAtOnce, all - first);
      const auto labels = std::span(rows).subspan(static_cast<size_t>(first));
      if (read.half) {
        append_labelled(reader.read_halves(first, count), labels, read.halves);
      } else {
        append_labelled(reader.read(first, count).values, labels, read.floats);
      }
    }
    std::erase_if(rows, [](const patch::PatchRow& row) { return row.label == patch::kNoLabel; });
  }
  read.floats.rows = read.halves.rows = labelled;
  return head.precision;
}

}  // namespace

TrainFilesResult train_files(const TrainFilesOptions& options, const Context& context) {
  TrainFeaturesOptions train;
  train.encoder = options.encoder;
  train.train = options.train;
  if (!options.groups_csv.empty()) {
    std::vector<std::string> notes;
    train.patients = read_groups(options.groups_csv, &notes);
    for (const std::string& note : notes) context.warn(options.groups_csv + ": " + note);
  }
  LabelledFeatures read = open_features(options.features, options.most_copied);
  for (size_t k = 0; k < read.files.size(); ++k) {
    require_patient(train.patients, read.files[k].plan.slide_id, options.groups_csv);
    train.sources.push_back(options.features[k]);
  }
  if (!read.many) {
    for (size_t k = 0; k < read.files.size(); ++k) {
      read.files[k] = storage::read_features(options.features[k]);
    }
    return train_features(std::move(read.files), train, context);
  }
  require_distinct_slides(read.files, train.sources, context);
  const std::string precision = read_labelled(options.features, read, context);
  return train_rows(
      read.files, read.half ? feature::FeatureRows(read.halves) : feature::FeatureRows(read.floats),
      precision, train, context);
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
