// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/evaluation/intervals_internal.h"

namespace lamella::evaluation {

Differences paired_differences(const PairedScores& scores, const std::vector<Clusters>& levels,
                               const ResamplingOptions& options, const Context& context) {
  if (scores.a.size() != scores.b.size() || scores.a.size() != scores.is_class.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} and {} scores for {} rows, expected as many of each",
                            scores.a.size(), scores.b.size(), scores.is_class.size()));
  }
  Differences result;
  const Metrics a = evaluate(scores.a, scores.is_class), b = evaluate(scores.b, scores.is_class);
  for (const ResampledRow& row : kResampledRows) {
    if (a.*row.member && b.*row.member)
      result.of[row.name] = {*(a.*row.member) - *(b.*row.member), {}};
  }
  const Clusters* level = first_level(levels, scores.is_class);
  if (!level) {
    result.note = why_none(levels, scores.is_class);
    return result;
  }
  const Intervals about = described(*level);
  result.unit = about.unit;
  result.units = about.units;
  result.note = about.note;
  const Sides sides = sides_of(*level, scores.is_class);
  const Strata strata(*level, scores.is_class);
  const Samples of_a = samples_of(ResampledClass(scores.a, scores.is_class, *level, a), *level,
                                  strata, options, context);
  const Samples of_b = samples_of(ResampledClass(scores.b, scores.is_class, *level, b), *level,
                                  strata, options, context);
  const auto less = [](std::vector<double> x, const std::vector<double>& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] -= y[i];
    return x;
  };
  for (size_t f = 0; f < kResampled; ++f) {
    const auto found = result.of.find(kResampledRows[f].name);
    if (found == result.of.end()) continue;
    const std::vector<double> drawn = less(of_a.drawn[f], of_b.drawn[f]);
    const std::vector<double> left_out = less(of_a.left_out[f], of_b.left_out[f]);
    found->second.interval = interval_of(
        {found->second.value, drawn, left_out, std::min(sides.with_class, sides.without)},
        Scale::kPlain, 0);
  }
  return result;
}

}  // namespace lamella::evaluation
