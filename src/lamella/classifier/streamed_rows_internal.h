// SPDX-License-Identifier: Apache-2.0
// Logistic regression on rows that stay where they are: nothing is copied or standardised, the
// standardisation is put into the weights, and each evaluation reads every row once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lamella/classifier/cross_validation_internal.h"
#include "lamella/classifier/logistic_internal.h"
#include "lamella/classifier/row_kernels_internal.h"
#include "lamella/feature/feature_rows.h"

namespace lamella::classifier {

inline bool is_streamed(const feature::FeatureRows& features) {
  return features.half() || features.rows * features.columns > kMostCopied;
}

// As fit_standardisation but for rounding: the rows are summed in chunks, whose number does not
// depend on the threads.
Standardisation fit_standardisation_streamed(const feature::FeatureRows& features,
                                             std::span<const int64_t> rows, int threads);

// All but `features` must outlive it.
class StreamedRows {
 public:
  StreamedRows(const feature::FeatureRows& features, const RowSet& rows, int classes,
               const Standardisation& standardisation, int threads);

  int classes() const { return classes_; }
  int64_t columns() const { return features_.columns; }
  int64_t rows() const { return static_cast<int64_t>(rows_.index.size()); }
  // weights: w and the bias of two classes, of each of more; slope: the same, of the mean log loss.
  // Returns the mean log loss. The same bits for any threads.
  double mean_loss(const double* weights, double* slope) const;
  // Sum over the rows of -log p(its class).
  double loss_sum(const double* weights) const;
  // n x c, as score_patches gives them.
  std::vector<float> probabilities(const double* weights) const;

 private:
  struct Part;
  struct Folded;
  Folded folded(const double* weights) const;
  Part pass(const Folded& folded, bool with_slope, float* probabilities) const;
  void pass_chunk(int64_t first, int64_t last, const Folded& folded, bool with_slope,
                  float* probabilities, Part& part) const;
  void to_residuals(int64_t first, int64_t count, const Folded& folded, std::vector<FourNumbers>& z,
                    float* probabilities, Part& part) const;

  const feature::FeatureRows features_;
  const RowSet& rows_;
  const int classes_;
  const Standardisation& standardisation_;
  const int threads_;
  std::vector<double> inverse_;  // d: 1 / scale, 0 of a constant column
};

// As fit_logistic of standardised rows.
bool fit_streamed(const StreamedRows& rows, const LogisticOptions& options,
                  const CancelToken& cancel, Eigen::VectorXd& weights);

}  // namespace lamella::classifier
