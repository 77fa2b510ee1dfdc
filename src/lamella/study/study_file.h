// SPDX-License-Identifier: Apache-2.0
// The study file: one TOML that names slides, labels, patches, encoder, training, outputs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/option.h"
#include "lamella/classifier/linear_model.h"
#include "lamella/cohort/plan_rules.h"
#include "lamella/cohort/slides_table.h"
#include "lamella/mlflow/tracking.h"
#include "lamella/verbs/controls.h"
#include "lamella/verbs/finetune_options.h"
#include "lamella/verbs/search_options.h"
#include "lamella/verbs/slide_map.h"
#include "lamella/verbs/split_folds.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::study {

// What a study was read from.
struct StudySource {
  std::string text;    // the file's, as it was read
  std::string folder;  // what its relative paths are relative to
  std::string path;
  std::vector<std::string> overrides;  // as given
};

struct ChosenEncoder {
  std::string name = "lite0";  // or its folder
  verbs::EncodingOptions options;
};

struct StudySlides {
  std::string table;     // CSV
  std::string fetch_to;  // folder for copies of slides in stores; "": none are made
};

// How the classifier is made, and what its figures are held against.
struct LearningOptions {
  classifier::TrainOptions train;
  verbs::SplitOptions split;
  verbs::ControlOptions controls;
  verbs::SearchOptions search;
  std::optional<verbs::FinetuneOptions> finetune;  // if the study has the section
};

// Paths are as resolved: relative ones in the file are relative to the file's folder.
struct Study {
  StudySource source;
  std::string name;
  std::string output;  // folder
  StudySlides slides;
  cohort::PlanRules plans;
  ChosenEncoder encoder;
  LearningOptions learning;
  verbs::MapOptions heatmap;
  mlflow::TrackingOptions tracking;
  const ClassTable& classes() const { return plans.classes(); }
};

// `overrides` are "table.key=value" (value in TOML; a bare word is taken as text).
// Error kFormat: file, line, column, found, expected; an unknown key is an error with the nearest
// valid name. Error kInvalidArgument if the values make no sense together.
// `folder`: what the file's relative paths are relative to, "" for its own folder.
Study read_study(const std::string& path, const std::vector<std::string>& overrides = {},
                 const std::string& folder = {});
// The same of a text that was read before; no file is read. `path` is what errors name.
Study parse_study(const std::string& text, const std::string& path,
                  const std::vector<std::string>& overrides, const std::string& folder);

// The slides of its table, to be opened as the study says. Errors as cohort::read_slides_table.
std::vector<cohort::SlideEntry> slides_of(const Study& study, io::Notes notes = nullptr);

// The options of a study file by the tables that they stand in; beside them are names and paths.
struct StudySection {
  std::string name;  // "score"
  const OptionList* list = nullptr;
};
const std::vector<StudySection>& study_sections();

// The study as resolved, every option, for the run record.
nlohmann::json to_json(const Study& study);

}  // namespace lamella::study
