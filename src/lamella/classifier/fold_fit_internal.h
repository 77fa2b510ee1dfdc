// SPDX-License-Identifier: Apache-2.0
// Some rows that train and others that are held out, standardised by the former: in copies where
// these are small, else where they lie.
#pragma once

#include <optional>
#include <vector>

#include "lamella/classifier/cross_validation_internal.h"
#include "lamella/classifier/logistic_internal.h"
#include "lamella/classifier/streamed_rows_internal.h"

namespace lamella::classifier {

class FoldFit {
 public:
  // All must outlive it. threads: of streamed rows; of others sums are of one.
  FoldFit(const TrainingRows& all, const RowSet& train, const RowSet& held_out, int threads);
  FoldFit(const FoldFit&) = delete;
  FoldFit& operator=(const FoldFit&) = delete;

  const Standardisation& standardisation() const { return standardisation_; }
  // As fit_logistic.
  bool fit(const LogisticOptions& options, const CancelToken& cancel,
           Eigen::VectorXd& weights) const;
  // Of the rows held out: sum of -log p(their class); n x c.
  double loss_sum(const Eigen::VectorXd& weights) const;
  std::vector<float> scores(const Eigen::VectorXd& weights) const;

 private:
  const RowSet& train_;
  const RowSet& held_out_;
  const int classes_;
  Standardisation standardisation_;
  std::optional<Matrix> x_, y_;  // copies
  std::optional<StreamedRows> streamed_, streamed_held_out_;
};

}  // namespace lamella::classifier
