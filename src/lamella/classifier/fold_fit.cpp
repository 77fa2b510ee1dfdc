// SPDX-License-Identifier: Apache-2.0
#include "lamella/classifier/fold_fit_internal.h"

namespace lamella::classifier {

FoldFit::FoldFit(const TrainingRows& all, const RowSet& train, const RowSet& held_out, int threads)
    : train_(train), held_out_(held_out), classes_(all.classes.count()) {
  if (is_streamed(all.features)) {
    standardisation_ = fit_standardisation_streamed(all.features, train.index, threads);
    streamed_.emplace(all.features, train, classes_, standardisation_, threads);
    streamed_held_out_.emplace(all.features, held_out, classes_, standardisation_, threads);
    return;
  }
  standardisation_ = fit_standardisation(all.features, train.index);
  x_ = standardise(all.features, train.index, standardisation_);
  y_ = standardise(all.features, held_out.index, standardisation_);
}

bool FoldFit::fit(const LogisticOptions& options, const CancelToken& cancel,
                  Eigen::VectorXd& weights) const {
  return streamed_ ? fit_streamed(*streamed_, options, cancel, weights)
                   : fit_logistic({*x_, train_.labels, classes_}, options, cancel, weights);
}

double FoldFit::loss_sum(const Eigen::VectorXd& weights) const {
  return streamed_held_out_ ? streamed_held_out_->loss_sum(weights.data())
                            : log_loss_sum({*y_, held_out_.labels, classes_}, weights);
}

std::vector<float> FoldFit::scores(const Eigen::VectorXd& weights) const {
  return streamed_held_out_ ? streamed_held_out_->probabilities(weights.data())
                            : probabilities(*y_, classes_, weights);
}

}  // namespace lamella::classifier
