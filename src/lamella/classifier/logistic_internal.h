// SPDX-License-Identifier: Apache-2.0
// L2 logistic regression on rows that are standardised already.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/feature/feature.h"

namespace lamella::classifier {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Standardisation {
  Eigen::VectorXd mean;   // d
  Eigen::VectorXd scale;  // d; population standard deviation, 1 where a column is constant
};

Standardisation fit_standardisation(const feature::FeatureMatrix& features,
                                    std::span<const int64_t> rows);

// n x d: (x - mean) / scale of the given rows.
Matrix standardise(const feature::FeatureMatrix& features, std::span<const int64_t> rows,
                   const Standardisation& standardisation);

struct LogisticOptions {
  double lambda = 1;
  int max_iterations = 500;
};

// Minimises mean log loss + lambda / 2 |w|^2 over w (d) and the free bias by L-BFGS; starts from
// and ends in `weights` (d + 1, the bias last). Sums run in row order: the same bits every time.
// Error kInternal if the optimiser fails, kInterrupted.
void fit_logistic(const Matrix& x, std::span<const double> labels, const LogisticOptions& options,
                  const CancelToken& cancel, Eigen::VectorXd& weights);

// Sum over the rows of log(1 + exp(-y z)), y = -1 or 1.
double log_loss_sum(const Matrix& x, std::span<const double> labels,
                    const Eigen::VectorXd& weights);

}  // namespace lamella::classifier
