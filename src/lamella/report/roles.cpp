// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lamella/report/sections_internal.h"

namespace lamella::report {

std::vector<std::string> roles_of(const record::RunDocument& run) {
  std::vector<std::string> roles;
  for (const auto& [role, metrics] : run.metrics) {
    if (metrics.n > 0) roles.push_back(role);
  }
  // What the model has not seen first; what it has seen, last.
  const auto place = [](const std::string& role) {
    static const std::vector<std::string> kOrder = {"test", "folds", "all", "slides"};
    const auto found = std::find(kOrder.begin(), kOrder.end(), role);
    return role == "train" ? kOrder.size() + 1 : static_cast<size_t>(found - kOrder.begin());
  };
  std::stable_sort(roles.begin(), roles.end(),
                   [&](const std::string& a, const std::string& b) { return place(a) < place(b); });
  return roles;
}

std::string role_text(const std::string& role) {
  if (role == "train") return "slides to train on";
  if (role == "test") return "slides to test on";
  if (role == "score") return "slides to score";
  if (role == "folds") return "slides to train on, each by a model of the others";
  if (role == "slides") return "slides as a whole";
  if (role == "all") return "all slides that were given";
  return role;
}

std::string interval_text(const evaluation::Interval& interval) {
  return fixed(interval.low, 3) + "–" + fixed(interval.high, 3);
}

std::optional<evaluation::Interval> interval_of(const evaluation::Metrics& metrics,
                                                const std::string& name) {
  const auto found = metrics.intervals.of.find(name);
  if (found != metrics.intervals.of.end()) return found->second;
  std::optional<double> low, high;
  for (const evaluation::MetricRow& row : evaluation::kMetricRows) {
    if (row.name == name + "_low") low = evaluation::metric_value(metrics, row);
    if (row.name == name + "_high") high = evaluation::metric_value(metrics, row);
  }
  if (!low || !high) return {};
  return evaluation::Interval{*low, *high};
}

const evaluation::GroupFigures* figures_of_group(const record::RunDocument& run,
                                                 const std::string& role, const std::string& kind,
                                                 const std::string& id) {
  const auto found = run.details.find(role);
  if (found == run.details.end()) return nullptr;
  for (const evaluation::GroupFigures& group : found->second.groups) {
    if (group.kind == kind && group.id == id) return &group;
  }
  return nullptr;
}

}  // namespace lamella::report
