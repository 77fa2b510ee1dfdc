// SPDX-License-Identifier: Apache-2.0
// The verb train on features with labels, as values or as files.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/io/text_file.h"
#include "lamella/model/model.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/unsure.h"

namespace lamella::verbs {

struct TrainFeaturesOptions {
  // slide_id (lower case) -> patient_id; empty: every slide its own patient.
  std::map<std::string, std::string> patients = {};
  std::string encoder;  // name or folder; "": the one named in the feature_space
  std::optional<encoder::EncoderInfo> found_encoder = {};  // wins over `encoder`
  std::vector<std::string> sources = {};  // where the features were read from, as messages name it
  classifier::TrainOptions train;
};

struct TrainFilesOptions {
  std::vector<std::string> features;  // paths of feature files with labels
  std::string groups_csv;             // slide_id,patient_id; "": every slide its own patient
  std::string encoder;                // name or folder; "": the one named in the feature_space
  classifier::TrainOptions train;
  // Files of more numbers are read a few rows at a time into one piece, which stays float16 where
  // all of them are.
  int64_t most_copied = classifier::kMostCopied;
};

struct TrainFilesResult {
  model::Model model;
  int folds = 0;
  std::vector<int64_t> class_rows;  // of each class of the model
  HeldOutSlides held_out;           // empty where the penalty was given
  // Of the rows held out, at the penalty chosen; of more than two classes the macro AUC.
  std::optional<double> held_out_log_loss, held_out_auc;
};

// Of slides in the order given. Rows without label are left out. Error kMismatch: feature spaces or
// scales differ, the encoder is another than the one that made the features; kInvalidArgument:
// a class without rows, a slide that the groups do not name. All of the model but its coefficients:
// for those of another solver on the same features.
model::Model untrained_model(const std::vector<storage::FeatureFile>& files,
                             const TrainFeaturesOptions& options, const Context& context);
TrainFilesResult train_features(std::vector<storage::FeatureFile> files,
                                const TrainFeaturesOptions& options, const Context& context);
TrainFilesResult train_files(const TrainFilesOptions& options, const Context& context);

// The model's folder with all that goes into it: model::write_model, and, where the model can be
// one network, the files that make it an MLflow model (a warning says where not).
void write_whole_model(const model::Model& model, const std::string& folder,
                       const Context& context);

// "cv" -> nullopt, a number -> itself. Error kInvalidArgument.
std::optional<double> parse_l2(const std::string& text);

// slide_id -> patient_id, ids in lower case: two columns, or a table whose header names them among
// others. Error kFormat.
std::map<std::string, std::string> read_groups(const std::string& path, io::Notes notes = nullptr);

// Error kMismatch, naming both, if rows would train twice: two slides of one id (by fingerprint),
// one slide under two ids, or one row in two files of a slide. Two files of one slide that share
// no row are joined, with a warning. `sources`: the files' paths, as messages name them; may be
// empty.
void require_distinct_slides(const std::vector<storage::FeatureFile>& files,
                             const std::vector<std::string>& sources, const Context& context);

}  // namespace lamella::verbs
