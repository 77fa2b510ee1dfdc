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
#include "lamella/mlflow/tracking.h"
#include "lamella/patch/named_classes.h"
#include "lamella/slide/on_damage.h"
#include "lamella/tissue/tissue.h"
#include "lamella/verbs/slide_map.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::study {

// Paths are as resolved: relative ones in the file are relative to the file's folder.
struct Study {
  std::string text;    // the file's, as it was read
  std::string folder;  // what its relative paths are relative to
  std::string path;
  std::vector<std::string> overrides;  // as given
  std::string name;
  std::string output;        // folder
  std::string slides_table;  // CSV
  patch::PatchSpec patches;
  slide::DamageOptions damage;
  patch::LabelSources labels;  // classes, and where they come from
  const ClassTable& classes() const { return labels.rule.classes; }
  tissue::TissueOptions tissue;
  std::string encoder = "lite0";
  verbs::EncodingOptions encoding;
  classifier::TrainOptions train;
  patch::GridOptions score;
  verbs::MapOptions heatmap;
  mlflow::TrackingOptions tracking;
  std::vector<std::string> warnings;  // what was adapted, for the record
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

// The options of a study file by the tables that they stand in; beside them are names and paths.
struct StudySection {
  std::string name;  // "score"
  const OptionList* list = nullptr;
};
const std::vector<StudySection>& study_sections();

// The study as resolved, every option, for the run record.
nlohmann::json to_json(const Study& study);

}  // namespace lamella::study
