// SPDX-License-Identifier: Apache-2.0
#include "lamella/feature/feature.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/feature/feature_space.h"

namespace lamella::feature {

namespace {

struct Space {
  std::string what;           // up to and with "@"
  std::optional<double> mpp;  // of "@<number>mpp"
};

Space split(const std::string& feature_space) {
  const size_t at = feature_space.rfind('@');
  if (at == std::string::npos || !feature_space.ends_with("mpp")) return {feature_space, {}};
  const std::string number = feature_space.substr(at + 1, feature_space.size() - at - 4);
  return {feature_space.substr(0, at + 1), parse_double(number)};
}

}  // namespace

std::vector<float> ScoreMatrix::column(int label) const {
  if (!classes.has(label)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found the class number {}, expected 0 to {} ({})", label,
                            classes.count() - 1, classes.text()));
  }
  std::vector<float> found;
  found.reserve(static_cast<size_t>(rows()));
  for (size_t i = static_cast<size_t>(label); i < values.size(); i += classes.names.size()) {
    found.push_back(values[i]);
  }
  return found;
}

int ScoreMatrix::most_likely(int64_t i) const {
  const std::span<const float> scores = row(i);
  return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

void ScoreMatrix::append(const ScoreMatrix& more) {
  if (classes.empty()) classes = more.classes;
  require_same_classes(more.classes, "the scores to add", classes, "those before");
  values.insert(values.end(), more.values.begin(), more.values.end());
}

std::string encoder_name(const std::string& feature_space) {
  return feature_space.substr(0, feature_space.find('/'));
}

bool same_space(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const Space one = split(a), two = split(b);
  if (one.what != two.what || !one.mpp || !two.mpp) return false;
  const auto [low, high] = std::minmax(*one.mpp, *two.mpp);
  return low > 0 && high <= low * (1 + kSpaceMppTolerance);
}

FeatureMatrix concatenate(std::span<const FeatureMatrix> parts, std::string* warning) {
  FeatureMatrix all;
  if (warning) warning->clear();
  if (parts.empty()) return all;
  all.columns = parts.front().columns;
  all.precision = parts.front().precision;
  size_t numbers = 0;
  for (const FeatureMatrix& part : parts) numbers += part.values.size();
  all.values.reserve(numbers);
  std::vector<std::string> spaces;
  for (size_t i = 0; i < parts.size(); ++i) {
    const FeatureMatrix& part = parts[i];
    if (part.columns != all.columns ||
        !same_space(part.feature_space, parts.front().feature_space)) {
      throw Error(
          ErrorCode::kMismatch,
          fmt::format("part {} of {} has {} features of '{}', the first has {} of '{}'; "
                      "expected the same encoder, patch size and scale{}",
                      i + 1, parts.size(), part.columns, part.feature_space, all.columns,
                      parts.front().feature_space,
                      earlier_space_advice(part.feature_space, parts.front().feature_space)));
    }
    if (part.precision != all.precision && warning) {
      *warning = fmt::format("features of different precisions are mixed: {} and {}", all.precision,
                             part.precision);
    }
    all.rows += part.rows;
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    spaces.push_back(part.feature_space);
  }
  const auto by_mpp = [](const std::string& a, const std::string& b) {
    return split(a).mpp.value_or(0) < split(b).mpp.value_or(0);
  };
  std::stable_sort(spaces.begin(), spaces.end(), by_mpp);
  all.feature_space = spaces[(spaces.size() - 1) / 2];
  return all;
}

}  // namespace lamella::feature
