// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/study_file.h"

#include <fmt/format.h>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/option_json.h"
#include "lamella/base/spelling.h"
#include "lamella/base/text.h"
#include "lamella/cohort/classes_table.h"
#include "lamella/io/address.h"
#include "lamella/io/files.h"
#include "lamella/io/text_file.h"
#include "lamella/settings/toml_reader.h"

namespace lamella::study {

using settings::TomlReader;

namespace {

constexpr int64_t kMaxBytes = 16 << 20;

// A table that holds the options of one struct and nothing else.
template <typename T>
void read_section(TomlReader table, T& options) {
  table.read(options_of(options));
  table.finish();
}

void read_patches(TomlReader table, Study& study) {
  cohort::refuse_old_labels(table);
  table.read(options_of(study.plans.patches));
  table.read(options_of(study.plans.labels.rule));
  table.read(options_of(study.plans.damage));
  table.finish();
}

const OptionList& patches_list() {
  static const OptionList kList = [] {
    OptionList list = patch::PatchSpec::table().list();
    for (const auto* more :
         {&patch::AnnotationRule::table().list(), &slide::DamageOptions::table().list()}) {
      list.insert(list.end(), more->begin(), more->end());
    }
    return list;
  }();
  return kList;
}

}  // namespace

const std::vector<StudySection>& study_sections() {
  static const std::vector<StudySection> kSections = {
      {"patches", &patches_list()},
      {"tissue", &tissue::TissueOptions::table().list()},
      {"encoder", &verbs::EncodingOptions::table().list()},
      {"finetune", &verbs::FinetuneOptions::table().list()},
      {"train", &classifier::TrainOptions::table().list()},
      {"split", &verbs::SplitOptions::table().list()},
      {"controls", &verbs::ControlOptions::table().list()},
      {"score", &patch::GridOptions::table().list()},
      {"heatmap", &verbs::MapOptions::table().list()},
      {"tracking", &mlflow::TrackingOptions::table().list()},
      {"search", &verbs::SearchOptions::table().list()}};
  return kSections;
}

namespace {

void read_encoder(TomlReader table, const std::string& folder, Study& study) {
  study.encoder.name = table.text("name").value_or(study.encoder.name);
  // A name stays a name; a path is one by its slash.
  if (study.encoder.name.find('/') != std::string::npos) {
    study.encoder.name = io::resolve(folder, study.encoder.name);
  }
  table.read(options_of(study.encoder.options));
  table.finish();
}

void read_tracking(TomlReader table, Study& study) {
  table.read(options_of(study.tracking));
  try {
    study.tracking.validate();
  } catch (const Error& error) {
    table.fail("mlflow", error.message());
  }
  table.finish();
}

// What options make no sense together, named as the file spells them.
template <typename T>
void check_section(const Study& study, const T& options, const std::string& section) {
  try {
    options.validate();
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                spell_options(error.message(),
                              [&](const std::string& name) { return section + "." + name; }),
                study.source.path);
  }
}

void check(const Study& study) {
  check_section(study, study.plans.patches, "patches");
  check_section(study, study.plans.tissue, "tissue");
  check_section(study, study.learning.train, "train");
  check_section(study, study.learning.split, "split");
  check_section(study, study.plans.grid, "score");
  check_section(study, study.learning.search, "search");
  check_section(study, study.heatmap.overlay, "heatmap");
  try {
    heatmap::shown_class(study.classes(), study.heatmap.overlay.shown_class);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidArgument, "heatmap.class: " + error.message(),
                study.source.path);
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
  const toml::table root = settings::parse_toml(text, path, overrides);
  TomlReader reader(root, "", path);
  Study study;
  study.source.text = text;
  study.source.folder = folder;
  study.source.path = path;
  study.source.overrides = overrides;
  study.name = reader.text("name").value_or(io::stem(path));
  study.output = io::resolve(folder, reader.text("output").value_or("out/" + study.name));
  io::require_path(study.output, "outputs of a study");
  auto slides = reader.table("slides");
  if (!slides)
    reader.fail("", "'[slides]' is missing; expected [slides] with table = \"slides.csv\"");
  study.slides.table = io::resolve(folder, slides->required_text("table"));
  if (const auto copies = slides->text("fetch_to"))
    study.slides.fetch_to = io::resolve(folder, *copies);
  slides->finish();
  const auto patches = reader.table("patches");
  if (!patches)
    reader.fail("", "'[patches]' is missing; expected [patches] with size_px and a scale");
  read_patches(*patches, study);
  const auto classes = reader.table("classes");
  if (!classes) {
    reader.fail(
        "",
        "'[classes]' is missing; expected [classes] with the names of the classes and where "
        "their labels come from: name = { annotations = [\"GROUP\"] } or name = { centers = "
        "[\"FILE\"] }");
  }
  cohort::read_classes(*classes, folder, study.plans.labels);
  if (const auto table = reader.table("tissue")) read_section(*table, study.plans.tissue);
  if (const auto table = reader.table("encoder")) read_encoder(*table, folder, study);
  if (const auto table = reader.table("finetune")) {
    read_section(*table, study.learning.finetune.emplace());
    study.learning.finetune->resolve(folder);
  }
  if (const auto table = reader.table("train")) read_section(*table, study.learning.train);
  if (const auto table = reader.table("split")) read_section(*table, study.learning.split);
  if (const auto table = reader.table("controls")) read_section(*table, study.learning.controls);
  if (const auto table = reader.table("score")) read_section(*table, study.plans.grid);
  if (const auto table = reader.table("heatmap")) read_section(*table, study.heatmap);
  if (const auto table = reader.table("tracking")) read_tracking(*table, study);
  if (const auto table = reader.table("search")) read_section(*table, study.learning.search);
  reader.finish();
  check(study);
  return study;
}

std::vector<cohort::SlideEntry> slides_of(const Study& study, io::Notes notes) {
  std::vector<cohort::SlideEntry> entries = cohort::read_slides_table(study.slides.table, notes);
  for (cohort::SlideEntry& entry : entries) entry.fetch_to = study.slides.fetch_to;
  return entries;
}

nlohmann::json to_json(const Study& study) {
  nlohmann::json patches = json_of_options(study.plans.patches);
  patches.update(json_of_options(study.plans.labels.rule));
  patches.update(json_of_options(study.plans.damage));
  nlohmann::json score = json_of_options(study.plans.grid);
  if (score["region"].is_null()) score.erase("region");
  nlohmann::json encoder = json_of_options(study.encoder.options);
  encoder["name"] = study.encoder.name;
  nlohmann::json slides = {{"table", study.slides.table}};
  if (!study.slides.fetch_to.empty()) slides["fetch_to"] = study.slides.fetch_to;
  nlohmann::json tracking = json_of_options(study.tracking);
  if (study.tracking.mlflow) {
    tracking["mlflow"] = without_credentials(*study.tracking.mlflow);
  }
  nlohmann::json json = {{"file", study.source.path},
                         {"name", study.name},
                         {"output", study.output},
                         {"slides", slides},
                         {"patches", patches},
                         {"classes", cohort::classes_json(study.plans.labels)},
                         {"tissue", json_of_options(study.plans.tissue)},
                         {"encoder", encoder},
                         {"train", json_of_options(study.learning.train)},
                         {"split", json_of_options(study.learning.split)},
                         {"controls", json_of_options(study.learning.controls)},
                         {"score", score},
                         {"heatmap", json_of_options(study.heatmap)},
                         {"tracking", tracking}};
  if (!study.learning.search.empty()) json["search"] = json_of_options(study.learning.search);
  if (study.learning.finetune) json["finetune"] = json_of_options(*study.learning.finetune);
  return json;
}

}  // namespace lamella::study
