// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/study_file.h"

#include <fmt/format.h>

#include <cmath>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/text_file.h"
#include "lamella/mlflow/publish.h"
#include "lamella/study/toml_reader_internal.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::study {

namespace {

constexpr int64_t kMaxPx = 1'000'000'000;
constexpr int64_t kMaxBytes = 16 << 20;

patch::AnnotationRule read_rule(TomlReader table) {
  patch::AnnotationRule rule;
  verbs::TwoGroups groups;
  groups.positive = table.texts("positive").value_or(groups.positive);
  groups.negative = table.texts("negative").value_or(groups.negative);
  groups.negative_from_tissue =
      table.boolean("negative_from_tissue").value_or(groups.negative_from_tissue);
  rule.min_coverage = table.number("min_coverage").value_or(rule.min_coverage);
  rule.min_tissue = table.number("min_tissue").value_or(rule.min_tissue);
  rule.max_per_slide = table.small_integer("max_per_slide").value_or(rule.max_per_slide);
  rule.seed =
      static_cast<uint64_t>(table.integer("seed").value_or(static_cast<int64_t>(rule.seed)));
  table.finish();
  return verbs::with_groups(rule, groups);
}

void read_patches(TomlReader table, const std::string& folder, Study& study) {
  study.patches.size_px = table.required_integer("size_px");
  study.patches.level = table.small_integer("level");
  study.patches.mpp = table.number("mpp");
  for (TomlReader& list : table.tables("centers")) {
    patch::CentreFile file;
    file.path = io::resolve(folder, list.required_text("file"));
    const int label = list.required_integer("label");
    if (label != 0 && label != 1) {
      list.fail("label", fmt::format("label: found {}, expected 1 (tumour) or 0 (normal)", label));
    }
    file.label = static_cast<int8_t>(label);
    list.finish();
    study.centers.push_back(file);
  }
  if (const auto rule = table.table("from_annotations")) study.from_annotations = read_rule(*rule);
  table.finish();
}

void read_train(TomlReader table, Study& study) {
  classifier::TrainOptions& train = study.train;
  if (table.has("l2") && table.is_text("l2")) {
    const std::string text = *table.text("l2");
    if (text != "cv") {
      table.fail("l2", fmt::format("train.l2: found '{}', expected \"cv\" or a number", text));
    }
  } else {
    train.lambda = table.number("l2");
  }
  train.max_folds = table.small_integer("max_folds").value_or(train.max_folds);
  train.max_iterations = table.small_integer("max_iterations").value_or(train.max_iterations);
  table.finish();
}

void read_score(TomlReader table, Study& study) {
  study.score.stride_px = table.number("stride_px");
  study.score.min_tissue = table.number("min_tissue").value_or(study.score.min_tissue);
  if (const auto region = table.numbers("region")) {
    if (region->size() != 4) {
      table.fail("region", fmt::format("score.region: found {} numbers, expected [x, y, width, "
                                       "height] in level-0 px",
                                       region->size()));
    }
    const auto px = [&](size_t i) {
      const double value = (*region)[i];
      if (!(std::abs(value) <= static_cast<double>(kMaxPx))) {
        table.fail("region", fmt::format("score.region: found {}, expected level-0 px from -{} to "
                                         "{}",
                                         value, kMaxPx, kMaxPx));
      }
      return static_cast<int64_t>(value);
    };
    study.score.region_px = RectPx{px(0), px(1), px(2), px(3)};
  }
  table.finish();
}

void read_tissue(TomlReader table, Study& study) {
  tissue::TissueOptions& options = study.tissue;
  options.mask_mpp = table.number("mask_mpp").value_or(options.mask_mpp);
  options.mask_max_px = table.small_integer("mask_max_px").value_or(options.mask_max_px);
  options.min_area_um2 = table.number("min_area_um2").value_or(options.min_area_um2);
  options.max_hole_um2 = table.number("max_hole_um2").value_or(options.max_hole_um2);
  options.min_density = table.number("min_density").value_or(options.min_density);
  options.max_gap_um = table.number("max_gap_um").value_or(options.max_gap_um);
  options.max_air_um = table.number("max_air_um").value_or(options.max_air_um);
  table.finish();
}

void read_encoder(TomlReader table, const std::string& folder, Study& study) {
  study.encoder = table.text("name").value_or(study.encoder);
  // A name stays a name; a path is one by its slash.
  if (study.encoder.find('/') != std::string::npos) {
    study.encoder = io::resolve(folder, study.encoder);
  }
  if (const auto precision = table.text("precision")) {
    try {
      study.precision = encoder::parse_precision(*precision);
    } catch (const Error& error) {
      table.fail("precision", error.message());
    }
  }
  if (const auto type = table.text("features_dtype")) {
    try {
      study.features_type = storage::parse_feature_type(*type);
    } catch (const Error& error) {
      table.fail("features_dtype", error.message());
    }
  }
  table.finish();
}

void read_heatmap(TomlReader table, Study& study) {
  study.heatmap.colormap = table.text("colormap").value_or(study.heatmap.colormap);
  study.heatmap.opacity = table.number("opacity").value_or(study.heatmap.opacity);
  table.finish();
}

void read_tracking(TomlReader table, Study& study) {
  TrackingOptions& options = study.tracking;
  options.mlflow = table.text("mlflow");
  options.register_model = table.text("register").value_or("");
  options.alias = table.text("alias").value_or("");
  try {
    mlflow::PublishOptions publish{options.mlflow.value_or(""), options.register_model,
                                   options.alias, false};
    if (publish.uri.empty()) publish.uri = "http://from.environment";
    publish.validate();
  } catch (const Error& error) {
    table.fail("mlflow", error.message());
  }
  table.finish();
}

void check(const Study& study) {
  const auto refuse = [&](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message, study.path);
  };
  try {
    study.patches.validate();
    study.tissue.validate();
    study.train.validate();
    study.score.validate();
    study.heatmap.validate();
    if (study.from_annotations) study.from_annotations->validate();
  } catch (const Error& error) {
    refuse(error.message());
  }
  if (study.centers.empty() && !study.from_annotations) {
    refuse(
        "no labels: expected patches.centers (lists of positions) or patches.from_annotations "
        "(rules for the annotations column of the slides table)");
  }
}

}  // namespace

Study read_study(const std::string& path, const std::vector<std::string>& overrides,
                 const std::string& folder) {
  return parse_study(io::read_decoded_text(path, kMaxBytes), path, overrides,
                     folder.empty() ? io::parent_folder(path) : folder);
}

Study parse_study(const std::string& text, const std::string& path,
                  const std::vector<std::string>& overrides, const std::string& folder) {
  const toml::table root = parse_toml(text, path, overrides);
  TomlReader reader(root, "", path);
  Study study;
  study.text = text;
  study.folder = folder;
  study.path = path;
  study.overrides = overrides;
  study.name = reader.text("name").value_or(io::stem(path));
  study.output = io::resolve(folder, reader.text("output").value_or("out/" + study.name));
  auto slides = reader.table("slides");
  if (!slides)
    reader.fail("", "'[slides]' is missing; expected [slides] with table = \"slides.csv\"");
  study.slides_table = io::resolve(folder, slides->required_text("table"));
  slides->finish();
  const auto patches = reader.table("patches");
  if (!patches)
    reader.fail("", "'[patches]' is missing; expected [patches] with size_px and labels");
  read_patches(*patches, folder, study);
  if (const auto table = reader.table("tissue")) read_tissue(*table, study);
  if (const auto table = reader.table("encoder")) read_encoder(*table, folder, study);
  if (const auto table = reader.table("train")) read_train(*table, study);
  if (const auto table = reader.table("score")) read_score(*table, study);
  if (const auto table = reader.table("heatmap")) read_heatmap(*table, study);
  if (const auto table = reader.table("tracking")) read_tracking(*table, study);
  reader.finish();
  check(study);
  if (!study.centers.empty() && study.from_annotations) {
    study.warnings.push_back(
        "patches.centers are the labelled patches; patches.from_annotations is not used");
    study.from_annotations.reset();
  }
  return study;
}

namespace {

nlohmann::json optional_json(const auto& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json rule_json(const patch::AnnotationRule& rule) {
  return {{"positive", rule.rules.at(1).annotations},
          {"negative", rule.rules.at(0).annotations},
          {"negative_from_tissue", rule.rules.at(0).rest_of_tissue},
          {"min_coverage", rule.min_coverage},
          {"min_tissue", rule.min_tissue},
          {"max_per_slide", rule.max_per_slide},
          {"seed", rule.seed}};
}

}  // namespace

nlohmann::json to_json(const Study& study) {
  nlohmann::json patches = {{"size_px", study.patches.size_px},
                            {"level", optional_json(study.patches.level)},
                            {"mpp", optional_json(study.patches.mpp)},
                            {"centers", nlohmann::json::array()}};
  for (const patch::CentreFile& file : study.centers) {
    patches["centers"].push_back({{"file", file.path}, {"label", file.label}});
  }
  if (study.from_annotations) patches["from_annotations"] = rule_json(*study.from_annotations);
  nlohmann::json score = {{"stride_px", optional_json(study.score.stride_px)},
                          {"min_tissue", study.score.min_tissue}};
  if (const auto& region = study.score.region_px) {
    score["region"] = {region->x, region->y, region->width, region->height};
  }
  return {{"file", study.path},
          {"name", study.name},
          {"output", study.output},
          {"slides", {{"table", study.slides_table}}},
          {"patches", patches},
          {"tissue",
           {{"mask_mpp", study.tissue.mask_mpp},
            {"mask_max_px", study.tissue.mask_max_px},
            {"min_area_um2", study.tissue.min_area_um2},
            {"max_hole_um2", study.tissue.max_hole_um2},
            {"min_density", study.tissue.min_density},
            {"max_gap_um", study.tissue.max_gap_um},
            {"max_air_um", study.tissue.max_air_um},
            {"method", std::string(tissue::kTissueMethod)}}},
          {"encoder",
           {{"name", study.encoder},
            {"precision", std::string(encoder::to_string(study.precision))},
            {"features_dtype", std::string(storage::to_string(study.features_type))}}},
          {"train",
           {{"l2", study.train.lambda ? nlohmann::json(*study.train.lambda) : "cv"},
            {"max_folds", study.train.max_folds},
            {"max_iterations", study.train.max_iterations}}},
          {"score", score},
          {"heatmap", {{"colormap", study.heatmap.colormap}, {"opacity", study.heatmap.opacity}}},
          {"tracking",
           {{"mlflow", study.tracking.mlflow
                           ? nlohmann::json(without_credentials(*study.tracking.mlflow))
                           : nlohmann::json()},
            {"register", study.tracking.register_model},
            {"alias", study.tracking.alias}}}};
}

}  // namespace lamella::study
