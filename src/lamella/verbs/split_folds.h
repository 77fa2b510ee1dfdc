// SPDX-License-Identifier: Apache-2.0
// Training and testing in turn: every patient, site or block of a slide is tested once by a model
// that has not seen it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/train_files.h"

namespace lamella::verbs {

enum class SplitKind { kRoles, kFolds, kPatients, kSites, kSpatial };

struct SplitOptions {
  SplitKind kind = SplitKind::kRoles;  // kRoles: nothing is done in turn
  int folds = 5;                       // of kFolds
  static const OptionTable<SplitOptions>& table();
  void validate() const;
};

struct SplitFold {
  std::string name;                           // "fold 2", "patient P", "site S", "block 3"
  std::vector<std::string> patients, slides;  // that were held out
  double lambda = 0;                          // the penalty, chosen within the rest
  // Of rows of the rest, each held out of it in turn: what a search chooses by.
  std::optional<double> held_out_log_loss, held_out_auc;
  evaluation::ClassMetrics metrics;  // of the rows held out, at the rest's thresholds
};

struct SplitEvaluation {
  std::vector<SplitFold> folds;        // that could be trained
  Evaluation pooled;                   // over the rows of all of them
  std::map<std::string, int> fold_of;  // of every patient or site; empty for kSpatial
  // What was pooled, by file; rows of folds that are left out have no label.
  std::vector<NamedScores> scores;
  std::vector<Truth> truths;
};

struct SplitInputs {
  const std::vector<storage::FeatureFile>& files;   // with labels
  const TrainFeaturesOptions& train;                // its patients: of every slide
  const std::map<std::string, std::string>& sites;  // slide_id (lower case) -> site
  // Of kFolds: who is held out together, as an earlier evaluation had it; empty: chosen anew.
  std::map<std::string, int> fold_of = {};
};

// kFolds: whole patients, with about equal shares of every class (stratified_folds); kPatients and
// kSites: one at a time; kSpatial: the blocks of spatial_groups, and rows that share pixels with
// those held out train nothing. The penalty and the thresholds are chosen within the rest of each.
// A fold whose rest lacks a class is left out, which is warned about. Error kInvalidArgument: fewer
// than two patients or sites to part, a slide without a site, no fold that can be trained.
SplitEvaluation evaluate_by_split(const SplitInputs& inputs, const SplitOptions& options,
                                  const Context& context);

}  // namespace lamella::verbs
