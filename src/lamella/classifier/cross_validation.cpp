// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/text.h"
#include "lamella/classifier/cross_validation_internal.h"
#include "lamella/classifier/fold_fit_internal.h"

namespace lamella::classifier {

namespace {

constexpr int kWidenings = 2, kWidenedBy = 4;
// Of the loss of the classes' shares alone: less is no gain to go on for.
constexpr double kGain = 0.005;

// The classes that have no row here.
std::string missing_classes(const RowSet& rows, const ClassTable& classes) {
  const std::vector<int64_t> counts = count_rows(rows.labels, classes.count());
  std::vector<std::string> missing;
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) missing.push_back(classes.names[k]);
  }
  return join(missing, ", ");
}

// What a fold's held-out rows said.
struct FoldLosses {
  std::vector<double> sums;   // log loss, for each lambda
  std::vector<bool> stopped;  // the optimiser stopped at its limit
};

// Folds at a time, and threads of each: rows that are streamed take all of them.
struct Parts {
  int folds = 1, threads = 1;
};
Parts parts_of(const TrainingRows& rows, const Context& context) {
  return is_streamed(rows.features) ? Parts{1, context.threads} : Parts{context.threads, 1};
}

// From the largest penalty down (warm starts).
FoldLosses try_lambdas(const TrainingRows& all, const FoldFit& fold,
                       const std::vector<double>& lambdas, const TrainOptions& options,
                       const CancelToken& cancel) {
  std::vector<size_t> order(lambdas.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lambdas[a] > lambdas[b]; });
  FoldLosses losses{std::vector<double>(order.size()), std::vector<bool>(order.size())};
  Eigen::VectorXd weights = no_weights(all);
  for (const size_t k : order) {
    losses.stopped[k] =
        !fold.fit({lambdas[k], options.max_iterations, options.l1_ratio}, cancel, weights);
    losses.sums[k] = fold.loss_sum(weights);
  }
  return losses;
}

struct Folds {
  std::vector<RowSet> train, held_out;
  std::vector<size_t> usable;  // those whose rest has rows of every class
};

// Rows and the folds in whose training they have no part.
std::set<std::pair<int64_t, int32_t>> guarded_rows(const TrainingRows& rows,
                                                   const std::vector<int32_t>& fold_of) {
  std::set<std::pair<int64_t, int32_t>> guarded;
  if (rows.guards.empty()) return guarded;
  std::map<int32_t, int32_t> fold_of_group;
  for (size_t i = 0; i < fold_of.size(); ++i) fold_of_group[rows.groups[i]] = fold_of[i];
  for (const RowGuard& guard : rows.guards) {
    const auto found = fold_of_group.find(guard.group);
    if (found != fold_of_group.end()) guarded.emplace(guard.row, found->second);
  }
  return guarded;
}

Folds split(const TrainingRows& rows, const TrainOptions& options, const Context& context) {
  const std::vector<int32_t> fold_of = make_folds(rows.groups, options.max_folds);
  const int folds = 1 + *std::max_element(fold_of.begin(), fold_of.end());
  Folds split;
  split.train.resize(static_cast<size_t>(folds));
  split.held_out.resize(static_cast<size_t>(folds));
  const std::set<std::pair<int64_t, int32_t>> guarded = guarded_rows(rows, fold_of);
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    for (int32_t fold = 0; fold < folds; ++fold) {
      if (fold_of[i] != fold && guarded.contains({row, fold})) continue;
      auto& part = fold_of[i] == fold ? split.held_out : split.train;
      part[static_cast<size_t>(fold)].add(row, rows.labels[i]);
    }
  }
  for (size_t fold = 0; fold < split.train.size(); ++fold) {
    const std::string missing = missing_classes(split.train[fold], rows.classes);
    if (missing.empty()) {
      split.usable.push_back(fold);
    } else {
      context.warn(
          fmt::format("cross-validation: fold {} of {} is left out, since the rest has no rows of "
                      "class {}",
                      fold + 1, folds, missing));
    }
  }
  if (split.usable.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cross-validation is not possible: {} groups of rows, and without any "
                            "one of them a class has no rows left; give the penalty as a number "
                            "(train.l2)",
                            folds));
  }
  return split;
}

struct Trials {
  std::vector<LambdaTrial> trials;
  std::vector<int> stopped;  // folds in which the optimiser stopped at its limit
};

void try_in_folds(const TrainingRows& rows, const Folds& folds, const std::vector<double>& lambdas,
                  const TrainOptions& options, const Context& context, Trials& all) {
  const std::vector<size_t>& usable = folds.usable;
  std::vector<FoldLosses> losses(usable.size());
  const Parts parts = parts_of(rows, context);
  parallel_for(static_cast<int64_t>(usable.size()), parts.folds, [&](int64_t k, int) {
    const size_t fold = usable[static_cast<size_t>(k)];
    losses[static_cast<size_t>(k)] =
        try_lambdas(rows, {rows, folds.train[fold], folds.held_out[fold], parts.threads}, lambdas,
                    options, context.cancel);
  });
  for (size_t k = 0; k < lambdas.size(); ++k) {
    double sum = 0, held = 0;
    int stopped = 0;
    LambdaTrial trial;
    for (size_t f = 0; f < usable.size(); ++f) {
      sum += losses[f].sums[k];
      const auto fold_rows = static_cast<double>(folds.held_out[usable[f]].index.size());
      held += fold_rows;
      trial.fold_log_loss.push_back(losses[f].sums[k] / fold_rows);
      stopped += losses[f].stopped[k];
    }
    trial.lambda = lambdas[k];
    trial.mean_log_loss = sum / held;
    all.trials.push_back(trial);
    all.stopped.push_back(stopped);
  }
}

size_t best_of(const std::vector<LambdaTrial>& trials) {
  size_t best = 0;
  for (size_t k = 1; k < trials.size(); ++k) {
    const double loss = trials[k].mean_log_loss, least = trials[best].mean_log_loss;
    if (loss < least || (loss == least && trials[k].lambda > trials[best].lambda)) best = k;
  }
  return best;
}

// Mean loss of the held-out rows if each had the shares of the classes in the rest.
double loss_of_shares(const TrainingRows& rows, const Folds& folds) {
  double sum = 0, held = 0;
  for (const size_t fold : folds.usable) {
    const std::vector<int64_t> counts = count_rows(folds.train[fold].labels, rows.classes.count());
    const auto all = static_cast<double>(folds.train[fold].labels.size());
    for (const int8_t label : folds.held_out[fold].labels) {
      sum -= std::log(static_cast<double>(counts[static_cast<size_t>(label)]) / all);
      ++held;
    }
  }
  return sum / held;
}

// The end of the path at which the best penalty lies: how the path would go on there.
struct End {
  double factor = 1;  // from one penalty to the next, outwards; 1: the best lies within
  double gain = 0;    // in loss, over the neighbour
};

End end_of(const std::vector<LambdaTrial>& trials, size_t best) {
  std::vector<LambdaTrial> sorted = trials;
  std::sort(sorted.begin(), sorted.end(),
            [](const LambdaTrial& a, const LambdaTrial& b) { return a.lambda < b.lambda; });
  const size_t n = sorted.size();
  if (n < 2) return {};
  const bool low = trials[best].lambda == sorted[0].lambda;
  if (!low && trials[best].lambda != sorted[n - 1].lambda) return {};
  const LambdaTrial& end = low ? sorted[0] : sorted[n - 1];
  const LambdaTrial& next = low ? sorted[1] : sorted[n - 2];
  if (next.lambda == end.lambda || next.lambda <= 0) return {};
  return {end.lambda / next.lambda, next.mean_log_loss - end.mean_log_loss};
}

void widen(const TrainingRows& rows, const Folds& folds, const TrainOptions& options,
           const Context& context, double least_gain, Trials& all) {
  for (int widening = 0;; ++widening) {
    const size_t best = best_of(all.trials);
    const double lambda = all.trials[best].lambda;
    const End end = end_of(all.trials, best);
    if (end.factor == 1 || lambda <= 0) return;
    const std::string edge =
        fmt::format("the penalty chosen, {:.4g}, is the {} of the {} tried", lambda,
                    end.factor < 1 ? "least" : "greatest", all.trials.size());
    if (end.gain <= least_gain) {
      context.note("cross-validation: " + edge + "; its neighbour is as good");
      return;
    }
    if (widening == kWidenings) {
      context.warn("cross-validation: " + edge + "; one beyond may be better still");
      return;
    }
    std::vector<double> more;
    for (int step = 1; step <= kWidenedBy; ++step) {
      more.push_back(lambda * std::pow(end.factor, step));
    }
    context.note(fmt::format("cross-validation: {}; {} more are tried, to {:.4g}", edge,
                             more.size(), more.back()));
    try_in_folds(rows, folds, more, options, context, all);
  }
}

// Fitted once more, since the scores of every penalty would be much to keep.
HeldOut score_held_out(const TrainingRows& rows, const Folds& folds, const LogisticOptions& options,
                       const Context& context) {
  const std::vector<size_t>& usable = folds.usable;
  std::vector<std::vector<float>> scores(usable.size());
  const Parts parts = parts_of(rows, context);
  parallel_for(static_cast<int64_t>(usable.size()), parts.folds, [&](int64_t k, int) {
    const size_t at = usable[static_cast<size_t>(k)];
    const FoldFit fold(rows, folds.train[at], folds.held_out[at], parts.threads);
    Eigen::VectorXd weights = no_weights(rows);
    fold.fit(options, context.cancel, weights);
    scores[static_cast<size_t>(k)] = fold.scores(weights);
  });
  HeldOut made{{}, {rows.classes, {}}};
  for (size_t k = 0; k < usable.size(); ++k) {
    const std::vector<int64_t>& index = folds.held_out[usable[k]].index;
    made.rows.insert(made.rows.end(), index.begin(), index.end());
    made.scores.values.insert(made.scores.values.end(), scores[k].begin(), scores[k].end());
  }
  return made;
}

void warn_of_held_out(const TrainingRows& rows, const Folds& folds, const Context& context) {
  RowSet held_out;
  for (const size_t fold : folds.usable) {
    const RowSet& part = folds.held_out[fold];
    held_out.labels.insert(held_out.labels.end(), part.labels.begin(), part.labels.end());
  }
  const std::string missing = missing_classes(held_out, rows.classes);
  if (missing.empty()) return;
  context.warn(
      fmt::format("cross-validation: no held-out row is of class {}, so the penalty is "
                  "chosen without them; more groups, or a penalty given (train.l2), would "
                  "help",
                  missing));
}

}  // namespace

std::vector<int64_t> count_rows(std::span<const int8_t> labels, int classes) {
  std::vector<int64_t> counts(static_cast<size_t>(classes), 0);
  for (const int8_t label : labels) ++counts[static_cast<size_t>(label)];
  return counts;
}

Eigen::VectorXd no_weights(const TrainingRows& rows) {
  return Eigen::VectorXd::Zero(static_cast<Eigen::Index>(vectors_of(rows.classes)) *
                               (rows.features.columns + 1));
}

CrossValidation cross_validate(const TrainingRows& rows, const TrainOptions& options,
                               const Context& context) {
  const Folds folds = split(rows, options, context);
  warn_of_held_out(rows, folds, context);
  Trials all;
  try_in_folds(rows, folds, options.lambdas, options, context, all);
  const double shares = loss_of_shares(rows, folds);
  widen(rows, folds, options, context, kGain * shares, all);
  const size_t best = best_of(all.trials);
  const LambdaTrial& chosen = all.trials[best];
  if (all.stopped[best] > 0) {
    context.warn(
        fmt::format("cross-validation: the optimiser stopped at its limit of {} "
                    "iterations in {} of {} folds for the penalty chosen, {:.4g}; raise "
                    "max_iterations",
                    options.max_iterations, all.stopped[best], folds.usable.size(), chosen.lambda));
  }
  if (chosen.mean_log_loss >= shares) {
    context.warn(
        fmt::format("cross-validation: the held-out log loss of {:.4g} is no better than "
                    "that of the classes' shares alone, {:.4g}: nothing was learnt that "
                    "holds for other groups",
                    chosen.mean_log_loss, shares));
  }
  return {all.trials, static_cast<int>(folds.usable.size()), chosen.lambda,
          score_held_out(rows, folds, {chosen.lambda, options.max_iterations, options.l1_ratio},
                         context)};
}

}  // namespace lamella::classifier
