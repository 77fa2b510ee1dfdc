// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/split_folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/verbs/fold_groups.h"

namespace lamella::verbs {

namespace {

// The fold of every row of every file, and in which others it has no part.
struct RowFolds {
  std::vector<std::string> names;
  std::vector<std::vector<int>> of_row;       // [file][row]; -1: no label
  std::set<std::pair<int64_t, int>> guarded;  // [row over all files][fold]
  std::map<std::string, int> of_group;
};

std::string group_of(const SplitInputs& inputs, const SplitOptions& options,
                     const std::string& slide_id) {
  const std::string id = to_lower(slide_id);
  if (options.kind != SplitKind::kSites) {
    const auto patient = inputs.train.patients.find(id);
    return to_lower(patient == inputs.train.patients.end() ? slide_id : patient->second);
  }
  const auto site = inputs.sites.find(id);
  if (site == inputs.sites.end() || site->second.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("slide '{}' has no site; expected a column site in the slides table, "
                            "with a name for every slide that trains",
                            slide_id));
  }
  return site->second;
}

// Whole patients or sites.
RowFolds folds_of_groups(const SplitInputs& inputs, const SplitOptions& options) {
  std::vector<std::string> groups;
  std::vector<int8_t> labels;
  int classes = 2;
  for (const storage::FeatureFile& file : inputs.files) {
    classes = std::max(classes, file.plan.classes.count());
    const std::string group = group_of(inputs, options, file.plan.slide_id);
    for (const patch::PatchRow& row : file.plan.rows) {
      if (row.label == patch::kNoLabel) continue;
      groups.push_back(group);
      labels.push_back(row.label);
    }
  }
  const std::set<std::string> distinct(groups.begin(), groups.end());
  const bool sites = options.kind == SplitKind::kSites;
  if (distinct.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("`kind`: found {} {} with labelled rows to part, expected two at "
                            "least{}",
                            distinct.size(), sites ? "sites" : "patients",
                            sites ? "" : "; spatial parts the slides of one"));
  }
  std::map<std::string, int> fold_of;
  RowFolds made;
  if (options.kind == SplitKind::kFolds) {
    const int folds = std::min(options.folds, static_cast<int>(distinct.size()));
    fold_of = stratified_folds(groups, labels, classes, folds);
    for (const auto& [group, fold] : inputs.fold_of) {
      if (fold >= 0 && fold < folds && fold_of.contains(group)) fold_of[group] = fold;
    }
    for (int k = 0; k < folds; ++k) made.names.push_back(fmt::format("fold {}", k + 1));
  } else {
    for (const std::string& group : distinct) {
      fold_of[group] = static_cast<int>(made.names.size());
      made.names.push_back((sites ? "site " : "patient ") + group);
    }
  }
  for (const storage::FeatureFile& file : inputs.files) {
    std::vector<int>& rows = made.of_row.emplace_back();
    const std::string group = group_of(inputs, options, file.plan.slide_id);
    for (const patch::PatchRow& row : file.plan.rows) {
      rows.push_back(row.label == patch::kNoLabel ? -1 : fold_of.at(group));
    }
  }
  made.of_group = std::move(fold_of);
  return made;
}

RowFolds folds_of_blocks(const SplitInputs& inputs, double widest) {
  std::vector<GroupedSlide> slides;
  for (const storage::FeatureFile& file : inputs.files) {
    slides.push_back({"", file.plan.rows, file.plan.geometry.extent_x_px * widest});
  }
  const FoldGroups groups = spatial_groups(slides);
  RowFolds made;
  for (int k = 0; k < kSpatialBlocks; ++k) made.names.push_back(fmt::format("block {}", k + 1));
  size_t at = 0;
  for (const storage::FeatureFile& file : inputs.files) {
    std::vector<int>& rows = made.of_row.emplace_back();
    for (const patch::PatchRow& row : file.plan.rows) {
      rows.push_back(row.label == patch::kNoLabel ? -1 : groups.groups[at]);
      ++at;
    }
  }
  for (const classifier::RowGuard& guard : groups.guards) {
    made.guarded.emplace(guard.row, guard.group);
  }
  return made;
}

// The rows that `keep` takes.
template <typename Keep>
storage::FeatureFile part_of(const storage::FeatureFile& file, const Keep& keep) {
  storage::FeatureFile part;
  part.plan = file.plan;
  part.plan.rows.clear();
  part.features.columns = file.features.columns;
  part.features.feature_space = file.features.feature_space;
  part.features.precision = file.features.precision;
  for (size_t i = 0; i < file.plan.rows.size(); ++i) {
    if (!keep(i)) continue;
    part.plan.rows.push_back(file.plan.rows[i]);
    const auto row = file.features.row(static_cast<int64_t>(i));
    part.features.values.insert(part.features.values.end(), row.begin(), row.end());
    ++part.features.rows;
  }
  return part;
}

std::string missing_classes(const std::vector<storage::FeatureFile>& files,
                            const ClassTable& classes) {
  std::set<int> found;
  for (const storage::FeatureFile& file : files) {
    for (const patch::PatchRow& row : file.plan.rows) found.insert(row.label);
  }
  std::vector<std::string> missing;
  for (int k = 0; k < classes.count(); ++k) {
    if (!found.contains(k)) missing.push_back(classes.name(k));
  }
  return join(missing, ", ");
}

Context named_context(const Context& context, const std::string& name) {
  Context named = context;
  named.warning = [&context, name](const std::string& text) { context.warn(name + ": " + text); };
  return named;
}

// What is put together over the folds: every file's scores, and the labels that got one.
struct Pool {
  std::vector<NamedScores> scores;
  std::vector<Truth> truths;
};

// Trains on the rest and scores the fold; nothing where a class is missing in the rest.
std::optional<SplitFold> run_fold(const SplitInputs& inputs, const RowFolds& folds, int fold,
                                  Pool& pool, const Context& context) {
  SplitFold made;
  made.name = folds.names[static_cast<size_t>(fold)];
  std::vector<storage::FeatureFile> rest, held_out;
  std::vector<size_t> files;
  int64_t first = 0;
  for (size_t f = 0; f < inputs.files.size(); ++f) {
    const storage::FeatureFile& file = inputs.files[f];
    const std::vector<int>& of_row = folds.of_row[f];
    auto train = part_of(file, [&](size_t i) {
      return of_row[i] >= 0 && of_row[i] != fold &&
             !folds.guarded.contains({first + static_cast<int64_t>(i), fold});
    });
    auto test = part_of(file, [&](size_t i) { return of_row[i] == fold; });
    first += static_cast<int64_t>(of_row.size());
    if (!train.plan.rows.empty()) rest.push_back(std::move(train));
    if (test.plan.rows.empty()) continue;
    files.push_back(f);
    made.slides.push_back(file.plan.slide_id);
    held_out.push_back(std::move(test));
  }
  if (held_out.empty()) return {};
  const ClassTable& classes = inputs.files.front().plan.classes;
  if (const std::string missing = missing_classes(rest, classes); !missing.empty()) {
    context.warn(
        fmt::format("{} is left out: the rest has no rows of class {}", made.name, missing));
    return {};
  }
  const Context named = named_context(context, made.name);
  TrainFeaturesOptions options = inputs.train;
  options.sources.clear();
  const TrainFilesResult trained = train_features(std::move(rest), options, named);
  made.lambda = trained.model.classifier.lambda;
  made.held_out_log_loss = trained.held_out_log_loss;
  made.held_out_auc = trained.held_out_auc;
  Pool own;
  std::set<std::string> patients;
  for (size_t k = 0; k < files.size(); ++k) {
    const storage::FeatureFile& file = held_out[k];
    const feature::ScoreMatrix scores =
        classifier::score_patches(file.features, trained.model.classifier);
    own.scores.push_back(
        {file.plan.slide_id, file.plan.slide_id, heatmap::scored_patches(file.plan, scores)});
    own.truths.push_back({file.plan.slide_id, file.plan});
    const auto patient = options.patients.find(to_lower(file.plan.slide_id));
    patients.insert(patient == options.patients.end() ? file.plan.slide_id : patient->second);
    // Into the pool, row by row.
    size_t at = 0;
    for (size_t i = 0; i < folds.of_row[files[k]].size(); ++i) {
      if (folds.of_row[files[k]][i] != fold) continue;
      const auto row = scores.row(static_cast<int64_t>(at++));
      auto& values = pool.scores[files[k]].patches.scores.values;
      std::ranges::copy(row, values.begin() + static_cast<ptrdiff_t>(i * row.size()));
      pool.truths[files[k]].plan.rows[i].label = inputs.files[files[k]].plan.rows[i].label;
    }
  }
  made.patients.assign(patients.begin(), patients.end());
  EvaluateOptions evaluate{options.patients, trained.model.thresholds, false, {}};
  made.metrics = evaluate_scores(own.scores, own.truths, evaluate, named).all;
  return made;
}

// Scores of nothing, and no labels: rows whose fold is left out stay so.
Pool empty_pool(const SplitInputs& inputs) {
  Pool pool;
  for (const storage::FeatureFile& file : inputs.files) {
    feature::ScoreMatrix scores;
    scores.classes = inputs.files.front().plan.classes;
    scores.values.assign(file.plan.rows.size() * scores.classes.names.size(), 0);
    pool.scores.push_back(
        {file.plan.slide_id, file.plan.slide_id, heatmap::scored_patches(file.plan, scores)});
    pool.truths.push_back({file.plan.slide_id, file.plan});
    for (patch::PatchRow& row : pool.truths.back().plan.rows) row.label = patch::kNoLabel;
  }
  return pool;
}

}  // namespace

const OptionTable<SplitOptions>& SplitOptions::table() {
  static const auto kTable =
      OptionTable<SplitOptions>()
          .choice("kind", &SplitOptions::kind,
                  {.help = "how training slides are tested in turn, beside those of role test: "
                           "roles (they are not)"},
                  {{"roles", SplitKind::kRoles},
                   {"k-fold", SplitKind::kFolds},
                   {"leave-one-patient-out", SplitKind::kPatients},
                   {"leave-one-site-out", SplitKind::kSites},
                   {"spatial", SplitKind::kSpatial}})
          .row("folds", &SplitOptions::folds,
               {.help = "of k-fold, as far as there are patients", .least = 2, .most = 1000});
  return kTable;
}

void SplitOptions::validate() const { table().check(*this); }

SplitEvaluation evaluate_by_split(const SplitInputs& inputs, const SplitOptions& options,
                                  const Context& context) {
  options.validate();
  SplitEvaluation result;
  if (options.kind == SplitKind::kRoles || inputs.files.empty()) return result;
  double widest = 1;
  if (inputs.train.found_encoder) {
    for (const double view : inputs.train.found_encoder->views) widest = std::max(widest, view);
  }
  const RowFolds folds = options.kind == SplitKind::kSpatial ? folds_of_blocks(inputs, widest)
                                                             : folds_of_groups(inputs, options);
  Pool pool = empty_pool(inputs);
  for (int fold = 0; fold < static_cast<int>(folds.names.size()); ++fold) {
    context.cancel.check();
    context.report("folds", fold, static_cast<int64_t>(folds.names.size()), "folds");
    if (auto made = run_fold(inputs, folds, fold, pool, context)) {
      result.folds.push_back(*std::move(made));
    }
  }
  if (result.folds.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no fold can be trained: without any one of them a class has no rows left");
  }
  EvaluateOptions evaluate;
  evaluate.patients = inputs.train.patients;
  result.pooled = evaluate_scores(pool.scores, pool.truths, evaluate, context);
  result.fold_of = folds.of_group;
  result.scores = std::move(pool.scores);
  result.truths = std::move(pool.truths);
  return result;
}

}  // namespace lamella::verbs
