// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <lbfgs.h>

#include <cmath>
#include <memory>

#include "lamella/base/error.h"
#include "lamella/classifier/logistic_internal.h"
#include "lamella/classifier/streamed_rows_internal.h"

namespace lamella::classifier {

Standardisation fit_standardisation(const feature::FeatureRows& features,
                                    std::span<const int64_t> rows) {
  const Eigen::Index d = features.columns;
  const auto n = static_cast<double>(rows.size());
  std::vector<float> scratch(static_cast<size_t>(d));
  Standardisation fitted{Eigen::VectorXd::Zero(d), Eigen::VectorXd::Zero(d)};
  for (const int64_t row : rows) {
    const float* x = features.row(row, scratch.data());
    for (Eigen::Index j = 0; j < d; ++j) fitted.mean[j] += x[j];
  }
  fitted.mean /= n;
  for (const int64_t row : rows) {
    const float* x = features.row(row, scratch.data());
    for (Eigen::Index j = 0; j < d; ++j) {
      const double difference = x[j] - fitted.mean[j];
      fitted.scale[j] += difference * difference;
    }
  }
  finish_scale(fitted, n);
  return fitted;
}

void finish_scale(Standardisation& fitted, double n) {
  fitted.constant_columns.clear();
  for (Eigen::Index j = 0; j < fitted.scale.size(); ++j) {
    const double deviation = std::sqrt(fitted.scale[j] / n);
    // Rounding makes a constant column's deviation tiny, not zero.
    const bool constant = deviation <= 1e-12 * (1 + std::abs(fitted.mean[j]));
    fitted.scale[j] = constant ? 1 : deviation;
    fitted.constant_columns.push_back(constant);
  }
}

Matrix standardise(const feature::FeatureRows& features, std::span<const int64_t> rows,
                   const Standardisation& standardisation) {
  Matrix x(static_cast<Eigen::Index>(rows.size()), features.columns);
  std::vector<float> scratch(static_cast<size_t>(features.columns));
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const float* row = features.row(rows[static_cast<size_t>(i)], scratch.data());
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      x(i, j) = (row[j] - standardisation.mean[j]) / standardisation.scale[j];
    }
  }
  return x;
}

namespace {

// log(1 + exp(-m)) without overflow.
double softplus_minus(double m) {
  return m > 0 ? std::log1p(std::exp(-m)) : -m + std::log1p(std::exp(m));
}

struct Problem {
  const LabelledMatrix* rows = nullptr;
  const StreamedRows* streamed = nullptr;  // in their place
  int classes = 2;
  Eigen::Index d = 0;
  lbfgs_evaluate_t evaluate = nullptr;
  double lambda = 0;
  const CancelToken& cancel;
};

Eigen::VectorXd margins(const Matrix& x, const Eigen::Ref<const Eigen::VectorXd>& weights) {
  return ((x * weights.head(x.cols())).array() + weights[x.cols()]).matrix();
}

double evaluate_two(void* instance, const lbfgsfloatval_t* point, lbfgsfloatval_t* gradient,
                    int size, lbfgsfloatval_t) {
  const Problem& problem = *static_cast<const Problem*>(instance);
  const Matrix& x = problem.rows->x;
  const Eigen::Map<const Eigen::VectorXd> weights(point, size);
  Eigen::Map<Eigen::VectorXd> slope(gradient, size);
  const Eigen::Index d = x.cols();
  const auto n = static_cast<double>(x.rows());

  Eigen::VectorXd residual = margins(x, weights);
  double loss = 0;
  for (Eigen::Index i = 0; i < residual.size(); ++i) {
    const double label = problem.rows->labels[static_cast<size_t>(i)], z = residual[i];
    loss += softplus_minus(label > 0 ? z : -z);
    residual[i] = 1 / (1 + std::exp(-z)) - label;
  }
  slope.head(d) = x.transpose() * residual / n + problem.lambda * weights.head(d);
  slope[d] = residual.sum() / n;
  return loss / n + 0.5 * problem.lambda * weights.head(d).squaredNorm();
}

// c x (d + 1), the bias last in each row.
using Weights = Eigen::Map<const Matrix>;

// z_k of row i; afterwards p_k, in place. Returns -log p of the row's own class.
double row_loss(const LabelledMatrix& rows, const Weights& weights, Eigen::Index i,
                Eigen::VectorXd& z) {
  const Eigen::Index d = rows.x.cols();
  for (Eigen::Index k = 0; k < z.size(); ++k) {
    z[k] = weights.row(k).head(d).dot(rows.x.row(i)) + weights(k, d);
  }
  const double most = z.maxCoeff();
  const double own = z[rows.labels[static_cast<size_t>(i)]] - most;
  double sum = 0;
  for (double& value : z) sum += value = std::exp(value - most);
  z /= sum;
  return std::log(sum) - own;
}

double evaluate_many(void* instance, const lbfgsfloatval_t* point, lbfgsfloatval_t* gradient, int,
                     lbfgsfloatval_t) {
  const Problem& problem = *static_cast<const Problem*>(instance);
  const LabelledMatrix& rows = *problem.rows;
  const Eigen::Index d = rows.x.cols(), c = rows.classes;
  const auto n = static_cast<double>(rows.x.rows());
  const Weights weights(point, c, d + 1);
  Eigen::Map<Matrix> slope(gradient, c, d + 1);

  slope.setZero();
  Eigen::VectorXd p(c);
  double loss = 0;
  for (Eigen::Index i = 0; i < rows.x.rows(); ++i) {
    loss += row_loss(rows, weights, i, p);
    p[rows.labels[static_cast<size_t>(i)]] -= 1;
    for (Eigen::Index k = 0; k < c; ++k) {
      slope.row(k).head(d) += p[k] * rows.x.row(i);
      slope(k, d) += p[k];
    }
  }
  slope /= n;
  slope.leftCols(d) += problem.lambda * weights.leftCols(d);
  return loss / n + 0.5 * problem.lambda * weights.leftCols(d).squaredNorm();
}

double evaluate_streamed(void* instance, const lbfgsfloatval_t* point, lbfgsfloatval_t* gradient,
                         int, lbfgsfloatval_t) {
  const Problem& problem = *static_cast<const Problem*>(instance);
  const Eigen::Index vectors = problem.classes == 2 ? 1 : problem.classes;
  const double loss = problem.streamed->mean_loss(point, gradient);
  const Weights weights(point, vectors, problem.d + 1);
  Eigen::Map<Matrix> slope(gradient, vectors, problem.d + 1);
  slope.leftCols(problem.d) += problem.lambda * weights.leftCols(problem.d);
  return loss + 0.5 * problem.lambda * weights.leftCols(problem.d).squaredNorm();
}

// Of more than two classes a class's bias stands after its weights; OWL-QN takes one range of
// penalised numbers, so all biases stand last there.
void biases_last(const double* from, Eigen::Index classes, Eigen::Index d, double* to) {
  const Weights weights(from, classes, d + 1);
  Eigen::Map<Matrix>(to, classes, d) = weights.leftCols(d);
  for (Eigen::Index k = 0; k < classes; ++k) to[classes * d + k] = weights(k, d);
}

void biases_within(const double* from, Eigen::Index classes, Eigen::Index d, double* to) {
  Eigen::Map<Matrix> weights(to, classes, d + 1);
  weights.leftCols(d) = Eigen::Map<const Matrix>(from, classes, d);
  for (Eigen::Index k = 0; k < classes; ++k) weights(k, d) = from[classes * d + k];
}

double evaluate_biases_last(void* instance, const lbfgsfloatval_t* point, lbfgsfloatval_t* gradient,
                            int size, lbfgsfloatval_t step) {
  const Problem& problem = *static_cast<const Problem*>(instance);
  Eigen::VectorXd inner(size), slope(size);
  biases_within(point, problem.classes, problem.d, inner.data());
  const double value = problem.evaluate(instance, inner.data(), slope.data(), size, step);
  biases_last(slope.data(), problem.classes, problem.d, gradient);
  return value;
}

int on_progress(void* instance, const lbfgsfloatval_t*, const lbfgsfloatval_t*,
                const lbfgsfloatval_t, const lbfgsfloatval_t, const lbfgsfloatval_t,
                const lbfgsfloatval_t, int, int, int) {
  return static_cast<const Problem*>(instance)->cancel.requested() ? 1 : 0;
}

bool minimise(Problem problem, const LogisticOptions& options, Eigen::VectorXd& weights) {
  const int size = static_cast<int>(weights.size());
  const bool sparse = options.l1_ratio > 0, many = problem.classes > 2;
  const Eigen::Index d = problem.d;
  // liblbfgs asks for memory of its own allocator.
  const std::unique_ptr<lbfgsfloatval_t, decltype(&lbfgs_free)> point(lbfgs_malloc(size),
                                                                      &lbfgs_free);
  if (!point) throw std::bad_alloc();
  Eigen::Map<Eigen::VectorXd> at(point.get(), size);
  at = weights;
  if (sparse && many) biases_last(weights.data(), problem.classes, d, point.get());

  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.m = 10;
  // |gradient| / max(1, |w|). Where a look at the rows takes a tenth of a second, the last two
  // thirds of the looks moved the objective by 1e-11.
  parameters.epsilon = problem.streamed ? 1e-6 : 1e-8;
  parameters.max_iterations = options.max_iterations;
  parameters.max_linesearch = 60;
  if (sparse) {
    parameters.orthantwise_c = options.lambda * options.l1_ratio;
    parameters.orthantwise_start = 0;
    parameters.orthantwise_end = static_cast<int>(many ? problem.classes * d : d);
    parameters.linesearch = LBFGS_LINESEARCH_BACKTRACKING;
  }
  problem.lambda = options.lambda * (1 - options.l1_ratio);
  const auto evaluate = sparse && many ? evaluate_biases_last : problem.evaluate;
  const int status =
      lbfgs(size, point.get(), nullptr, evaluate, on_progress, &problem, &parameters);
  problem.cancel.check();
  weights = at;
  if (sparse && many) biases_within(point.get(), problem.classes, d, weights.data());
  // At the limit of double precision a line search finds no better point: that is the optimum.
  const bool good = status == LBFGS_SUCCESS || status == LBFGS_ALREADY_MINIMIZED ||
                    status == LBFGSERR_MAXIMUMITERATION || status == LBFGSERR_ROUNDING_ERROR ||
                    status == LBFGSERR_MAXIMUMLINESEARCH || status == LBFGSERR_MINIMUMSTEP ||
                    status == LBFGSERR_WIDTHTOOSMALL;
  if (!good || !weights.allFinite()) {
    throw Error(ErrorCode::kInternal, fmt::format("the optimiser stopped with code {} at lambda {}",
                                                  status, options.lambda));
  }
  return status != LBFGSERR_MAXIMUMITERATION;
}

}  // namespace

bool fit_logistic(const LabelledMatrix& rows, const LogisticOptions& options,
                  const CancelToken& cancel, Eigen::VectorXd& weights) {
  return minimise({.rows = &rows,
                   .classes = rows.classes,
                   .d = rows.x.cols(),
                   .evaluate = rows.classes > 2 ? evaluate_many : evaluate_two,
                   .cancel = cancel},
                  options, weights);
}

bool fit_streamed(const StreamedRows& rows, const LogisticOptions& options,
                  const CancelToken& cancel, Eigen::VectorXd& weights) {
  return minimise({.streamed = &rows,
                   .classes = rows.classes(),
                   .d = rows.columns(),
                   .evaluate = evaluate_streamed,
                   .cancel = cancel},
                  options, weights);
}

std::vector<float> probabilities(const Matrix& x, int classes, const Eigen::VectorXd& weights) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(x.rows() * classes));
  if (classes == 2) {
    for (const double z : margins(x, weights)) {
      const auto second = static_cast<float>(1 / (1 + std::exp(-z)));
      values.push_back(1.0f - second);
      values.push_back(second);
    }
    return values;
  }
  const Weights all(weights.data(), classes, x.cols() + 1);
  const std::vector<int8_t> first(static_cast<size_t>(x.rows()), 0);
  Eigen::VectorXd p(classes);
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    row_loss({x, first, classes}, all, i, p);
    for (const double value : p) values.push_back(static_cast<float>(value));
  }
  return values;
}

double log_loss_sum(const LabelledMatrix& rows, const Eigen::VectorXd& weights) {
  double sum = 0;
  if (rows.classes == 2) {
    const Eigen::VectorXd z = margins(rows.x, weights);
    for (Eigen::Index i = 0; i < z.size(); ++i) {
      sum += softplus_minus(rows.labels[static_cast<size_t>(i)] > 0 ? z[i] : -z[i]);
    }
    return sum;
  }
  const Weights all(weights.data(), rows.classes, rows.x.cols() + 1);
  Eigen::VectorXd p(rows.classes);
  for (Eigen::Index i = 0; i < rows.x.rows(); ++i) sum += row_loss(rows, all, i, p);
  return sum;
}

}  // namespace lamella::classifier
