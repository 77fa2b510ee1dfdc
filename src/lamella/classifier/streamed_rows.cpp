// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/base/parallel.h"
#include "lamella/classifier/streamed_rows_internal.h"

namespace lamella::classifier {

namespace {

constexpr int64_t kChunks = 64;  // of the rows, whatever the threads

// Calls use(chunk, first, last) for chunks of [0, n) on several threads.
template <typename Use>
void for_each_chunk(int64_t n, int threads, const Use& use) {
  parallel_for(kChunks, threads, [&](int64_t chunk, int) {
    use(static_cast<size_t>(chunk), chunk * n / kChunks, (chunk + 1) * n / kChunks);
  });
}

// Sums over the rows of what add(row, sums) adds, chunk by chunk.
template <typename Add>
Eigen::VectorXd column_sums(const feature::FeatureRows& features, std::span<const int64_t> rows,
                            int threads, const Add& add) {
  std::vector<Eigen::VectorXd> parts(kChunks);
  for_each_chunk(static_cast<int64_t>(rows.size()), threads,
                 [&](size_t chunk, int64_t first, int64_t last) {
                   std::vector<float> scratch(static_cast<size_t>(features.columns));
                   Eigen::VectorXd sums = Eigen::VectorXd::Zero(features.columns);
                   for (int64_t i = first; i < last; ++i) {
                     add(features.row(rows[static_cast<size_t>(i)], scratch.data()), sums);
                   }
                   parts[chunk] = std::move(sums);
                 });
  Eigen::VectorXd sums = Eigen::VectorXd::Zero(features.columns);
  for (const Eigen::VectorXd& part : parts) sums += part;
  return sums;
}

// log(1 + exp(-m)) without overflow.
double softplus_minus(double m) {
  return m > 0 ? std::log1p(std::exp(-m)) : -m + std::log1p(std::exp(m));
}

// z of each class of one row; afterwards p, in place. Of two classes one number, of the second.
// Returns -log p of the row's own class.
double to_probabilities(double* z, int classes, int label) {
  if (classes == 2) {
    const double loss = softplus_minus(label > 0 ? *z : -*z);
    *z = 1 / (1 + std::exp(-*z));
    return loss;
  }
  const double most = *std::max_element(z, z + classes);
  const double own = z[label] - most;
  double sum = 0;
  for (int k = 0; k < classes; ++k) sum += z[k] = std::exp(z[k] - most);
  for (int k = 0; k < classes; ++k) z[k] /= sum;
  return std::log(sum) - own;
}

// Of two classes own is the probability of the second.
void write_row(const std::vector<double>& own, float* out) {
  if (own.size() == 1) {
    out[1] = static_cast<float>(own[0]);
    out[0] = 1.0f - out[1];
    return;
  }
  for (size_t k = 0; k < own.size(); ++k) out[k] = static_cast<float>(own[k]);
}

}  // namespace

Standardisation fit_standardisation_streamed(const feature::FeatureRows& features,
                                             std::span<const int64_t> rows, int threads) {
  const auto d = features.columns;
  const auto n = static_cast<double>(rows.size());
  Standardisation fitted;
  fitted.mean = column_sums(features, rows, threads,
                            [d](const float* x, Eigen::VectorXd& sums) {
                              for (int64_t j = 0; j < d; ++j) sums[j] += x[j];
                            }) /
                n;
  fitted.scale =
      column_sums(features, rows, threads, [d, &fitted](const float* x, Eigen::VectorXd& sums) {
        for (int64_t j = 0; j < d; ++j) {
          const double difference = x[j] - fitted.mean[j];
          sums[j] += difference * difference;
        }
      });
  finish_scale(fitted, n);
  return fitted;
}

// The vectors of weights as they are for features that are not standardised.
struct StreamedRows::Folded {
  int64_t vectors = 1;
  std::vector<double> v;      // vectors x d
  std::vector<double> shift;  // vectors
};

struct StreamedRows::Part {
  double loss = 0;
  std::vector<double> products;   // vectors x d: sums of residual times feature
  std::vector<double> residuals;  // vectors: their sums
};

StreamedRows::StreamedRows(const feature::FeatureRows& features, const RowSet& rows, int classes,
                           const Standardisation& standardisation, int threads)
    : features_(features),
      rows_(rows),
      classes_(classes),
      standardisation_(standardisation),
      threads_(threads) {
  for (int64_t j = 0; j < features.columns; ++j) {
    inverse_.push_back(standardisation.constant(j) ? 0 : 1 / standardisation.scale[j]);
  }
}

StreamedRows::Folded StreamedRows::folded(const double* weights) const {
  const int64_t d = columns();
  Folded made;
  made.vectors = classes_ == 2 ? 1 : classes_;
  made.v.resize(static_cast<size_t>(made.vectors * d));
  for (int64_t k = 0; k < made.vectors; ++k) {
    const double* w = weights + k * (d + 1);
    double shift = w[d];
    for (int64_t j = 0; j < d; ++j) {
      const double v = w[j] * inverse_[static_cast<size_t>(j)];
      made.v[static_cast<size_t>(k * d + j)] = v;
      shift -= v * standardisation_.mean[j];
    }
    made.shift.push_back(shift);
  }
  return made;
}

// z of four rows, vector by vector, becomes their residuals, p less whether the row is of the
// class; `count` of the rows are there, the others' are 0.
void StreamedRows::to_residuals(int64_t first, int64_t count, const Folded& folded,
                                std::vector<FourNumbers>& z, float* probabilities,
                                Part& part) const {
  std::vector<double> own(z.size());
  for (int64_t row = 0; row < kRowsAtOnce; ++row) {
    const auto at = static_cast<size_t>(row);
    if (row >= count) {
      for (FourNumbers& numbers : z) numbers[at] = 0;
      continue;
    }
    const int label = rows_.labels[static_cast<size_t>(first + row)];
    for (size_t k = 0; k < own.size(); ++k) own[k] = z[k][at] + folded.shift[k];
    part.loss += to_probabilities(own.data(), classes_, label);
    if (probabilities) write_row(own, probabilities + (first + row) * classes_);
    for (size_t k = 0; k < own.size(); ++k) {
      const bool is_own = classes_ == 2 ? label == 1 : label == static_cast<int>(k);
      z[k][at] = own[k] - (is_own ? 1 : 0);
      part.residuals[k] += z[k][at];
    }
  }
}

// Rows [first, last).
void StreamedRows::pass_chunk(int64_t first, int64_t last, const Folded& folded, bool with_slope,
                              float* probabilities, Part& part) const {
  const int64_t d = columns(), vectors = folded.vectors;
  const RowKernels& kernels = row_kernels();
  if (with_slope) part.products.assign(static_cast<size_t>(vectors * d), 0);
  part.residuals.assign(static_cast<size_t>(vectors), 0);
  std::vector<float> scratch(static_cast<size_t>(kRowsAtOnce * d));
  std::vector<FourNumbers> z(static_cast<size_t>(vectors));
  for (int64_t i = first; i < last; i += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, last - i);
    FourRows x;
    for (int64_t row = 0; row < kRowsAtOnce; ++row) {
      const auto at = static_cast<size_t>(i + std::min(row, count - 1));
      x[static_cast<size_t>(row)] = features_.row(rows_.index[at], scratch.data() + row * d);
    }
    for (int64_t k = 0; k < vectors; ++k) {
      z[static_cast<size_t>(k)] = kernels.dots(x, folded.v.data() + k * d, d);
    }
    to_residuals(i, count, folded, z, probabilities, part);
    for (int64_t k = 0; with_slope && k < vectors; ++k) {
      kernels.add(x, z[static_cast<size_t>(k)], part.products.data() + k * d, d);
    }
  }
}

StreamedRows::Part StreamedRows::pass(const Folded& folded, bool with_slope,
                                      float* probabilities) const {
  std::vector<Part> parts(kChunks);
  for_each_chunk(rows(), threads_, [&](size_t chunk, int64_t first, int64_t last) {
    pass_chunk(first, last, folded, with_slope, probabilities, parts[chunk]);
  });
  Part all = std::move(parts.front());
  for (size_t chunk = 1; chunk < parts.size(); ++chunk) {
    const Part& part = parts[chunk];
    all.loss += part.loss;
    for (size_t k = 0; k < all.products.size(); ++k) all.products[k] += part.products[k];
    for (size_t k = 0; k < all.residuals.size(); ++k) all.residuals[k] += part.residuals[k];
  }
  return all;
}

double StreamedRows::mean_loss(const double* weights, double* slope) const {
  const int64_t d = columns();
  const auto n = static_cast<double>(rows());
  const Folded folded = this->folded(weights);
  const Part all = pass(folded, true, nullptr);
  for (int64_t k = 0; k < folded.vectors; ++k) {
    double* out = slope + k * (d + 1);
    const double residual = all.residuals[static_cast<size_t>(k)];
    for (int64_t j = 0; j < d; ++j) {
      const double centred =
          all.products[static_cast<size_t>(k * d + j)] - standardisation_.mean[j] * residual;
      out[j] = centred * inverse_[static_cast<size_t>(j)] / n;
    }
    out[d] = residual / n;
  }
  return all.loss / n;
}

double StreamedRows::loss_sum(const double* weights) const {
  return pass(folded(weights), false, nullptr).loss;
}

std::vector<float> StreamedRows::probabilities(const double* weights) const {
  std::vector<float> values(static_cast<size_t>(rows() * classes_));
  pass(folded(weights), false, values.data());
  return values;
}

}  // namespace lamella::classifier
