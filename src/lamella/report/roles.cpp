// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lamella/report/sections_internal.h"

namespace lamella::report {

std::vector<std::string> roles_of(const record::RunDocument& run) {
  std::vector<std::string> roles;
  for (const auto& [role, metrics] : run.metrics) {
    if (metrics.n > 0) roles.push_back(role);
  }
  std::stable_partition(roles.begin(), roles.end(),
                        [](const std::string& role) { return role != "train"; });
  return roles;
}

std::string role_text(const std::string& role) {
  if (role == "train") return "slides to train on";
  if (role == "test") return "slides to test on";
  if (role == "score") return "slides to score";
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
