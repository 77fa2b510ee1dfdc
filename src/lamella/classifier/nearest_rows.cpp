// SPDX-License-Identifier: Apache-2.0
#include "lamella/classifier/nearest_rows.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/median.h"

namespace lamella::classifier {

namespace {

constexpr double kDeviationsOfMad = 1.4826;  // of a normal distribution
using Rows =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

}  // namespace

NearestRows::NearestRows(const LinearModel& model, const std::vector<ReferencePart>& parts)
    : model_(model) {
  const int64_t most = std::max<int64_t>(
      1, kReferenceRows / std::max<int64_t>(1, static_cast<int64_t>(parts.size())));
  for (const ReferencePart& part : parts) {
    const std::vector<float> rows = normed(*part.features, most);
    reference_.insert(reference_.end(), rows.begin(), rows.end());
    groups_.resize(reference_.size() / static_cast<size_t>(model_.columns()), part.group);
  }
}

std::vector<float> NearestRows::normed(const feature::FeatureMatrix& rows, int64_t most) const {
  if (rows.rows > 0 && rows.columns != model_.columns()) {
    throw Error(ErrorCode::kMismatch, "features of another number of columns than the model's");
  }
  const int64_t n = std::min(rows.rows, most);
  const auto columns = static_cast<size_t>(model_.columns());
  std::vector<float> result;
  result.reserve(static_cast<size_t>(n) * columns);
  std::vector<double> row(columns);
  for (int64_t i = 0; i < n; ++i) {
    const auto values = rows.row(i * rows.rows / n);
    double squares = 0;
    for (size_t k = 0; k < columns; ++k) {
      row[k] = (values[k] - model_.mean[k]) / model_.scale[k];
      squares += row[k] * row[k];
    }
    const double length = squares > 0 ? std::sqrt(squares) : 1;
    for (const double value : row) result.push_back(static_cast<float>(value / length));
  }
  return result;
}

std::optional<double> NearestRows::distance(const feature::FeatureMatrix& rows,
                                            int32_t left_out) const {
  const std::vector<float> own = normed(rows, kRowsCompared);
  const int64_t columns = model_.columns();
  const auto n = static_cast<int64_t>(own.size()) / columns;
  const auto m = static_cast<int64_t>(groups_.size());
  std::vector<int64_t> kept;
  for (int64_t j = 0; j < m; ++j) {
    if (groups_[static_cast<size_t>(j)] != left_out) kept.push_back(j);
  }
  if (n == 0 || static_cast<int64_t>(kept.size()) < kNeighbours) return {};
  const Eigen::MatrixXf cosines =
      Rows(reference_.data(), m, columns) * Rows(own.data(), n, columns).transpose();
  std::vector<double> distances;
  std::vector<float> nearest(kept.size());
  for (int64_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < kept.size(); ++j) nearest[j] = cosines(kept[j], i);
    std::nth_element(nearest.begin(), nearest.begin() + kNeighbours - 1, nearest.end(),
                     std::greater<>());
    const double cosine = nearest[kNeighbours - 1];
    distances.push_back(std::sqrt(std::max(0.0, 2 - 2 * cosine)));
  }
  return median(std::move(distances));
}

std::optional<double> usual_limit(std::vector<double> held_out) {
  if (held_out.size() < kFewestHeldOut) return {};
  const double middle = median(held_out);
  std::vector<double> deviations;
  for (const double value : held_out) deviations.push_back(std::abs(value - middle));
  return std::max(middle + kFarDeviations * kDeviationsOfMad * median(std::move(deviations)),
                  *std::max_element(held_out.begin(), held_out.end()));
}

}  // namespace lamella::classifier
