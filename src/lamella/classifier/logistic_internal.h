// SPDX-License-Identifier: Apache-2.0
// L2 logistic regression, of two classes or multinomial, on rows that are standardised already.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/feature/feature_rows.h"

namespace lamella::classifier {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Standardisation {
  Eigen::VectorXd mean;   // d
  Eigen::VectorXd scale;  // d; population standard deviation, 1 where a column is constant
  std::vector<bool> constant_columns = {};  // d

  bool constant(int64_t column) const { return constant_columns[static_cast<size_t>(column)]; }
};

Standardisation fit_standardisation(const feature::FeatureRows& features,
                                    std::span<const int64_t> rows);
// scale: sums of squared differences from the mean, over n rows; becomes what it is to be.
void finish_scale(Standardisation& fitted, double n);

// n x d: (x - mean) / scale of the given rows.
Matrix standardise(const feature::FeatureRows& features, std::span<const int64_t> rows,
                   const Standardisation& standardisation);

struct LogisticOptions {
  double lambda = 1;
  int max_iterations = 500;
  double l1_ratio = 0;
};

// The rows to fit: n x d, and n labels, numbers of classes.
struct LabelledMatrix {
  const Matrix& x;
  std::span<const int8_t> labels;
  int classes = 2;
};

// Minimises mean log loss + lambda ((1 - l1_ratio) / 2 |W|^2 + l1_ratio |W|_1) over weights and
// free biases by L-BFGS, with an L1 part by OWL-QN (Andrew and Gao 2007); starts from and ends in
// `weights`: w (d) and the bias of two classes, w_k (d) and b_k of each of more. Sums run in row
// order: the same bits every time. False: it stopped at max_iterations. Error kInternal if the
// optimiser fails, kInterrupted.
bool fit_logistic(const LabelledMatrix& rows, const LogisticOptions& options,
                  const CancelToken& cancel, Eigen::VectorXd& weights);

// n x c, as score_patches gives them.
std::vector<float> probabilities(const Matrix& x, int classes, const Eigen::VectorXd& weights);

// Sum over the rows of -log p(its class).
double log_loss_sum(const LabelledMatrix& rows, const Eigen::VectorXd& weights);

}  // namespace lamella::classifier
