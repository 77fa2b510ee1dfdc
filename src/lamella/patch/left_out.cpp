// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/left_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::patch {

namespace {

constexpr size_t kMostCauses = 5, kMostRows = 5;

std::string rows_text(std::vector<size_t> rows) {
  std::sort(rows.begin(), rows.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(rows.size(), kMostRows); ++i) {
    names.push_back(std::to_string(rows[i]));
  }
  const std::string text = (rows.size() == 1 ? "row " : "rows ") + join(names, ", ");
  if (rows.size() <= kMostRows) return text;
  return fmt::format("{} and {} more", text, rows.size() - kMostRows);
}

}  // namespace

std::string left_out_text(const PatchPlan& plan,
                          const std::vector<slide::RegionFailure>& failures) {
  std::map<std::string, std::vector<size_t>> rows_of;
  for (const slide::RegionFailure& failure : failures) {
    rows_of[failure.message].push_back(failure.region);
  }
  std::vector<std::string> causes;
  for (const auto& [cause, rows] : rows_of) {
    if (causes.size() < kMostCauses) causes.push_back(rows_text(rows) + ": " + cause);
  }
  if (rows_of.size() > kMostCauses) {
    causes.push_back(fmt::format("{} more causes", rows_of.size() - kMostCauses));
  }
  return fmt::format("{} of {} patches {} left out, as their pixels cannot be read: {}",
                     failures.size(), plan.rows.size(), failures.size() == 1 ? "is" : "are",
                     join(causes, "; "));
}

PatchPlan without_left_out(PatchPlan plan, const std::vector<slide::RegionFailure>& failures) {
  if (failures.empty()) return plan;
  const std::string text = left_out_text(plan, failures);
  std::vector<const std::string*> causes(plan.rows.size());
  for (const slide::RegionFailure& failure : failures) causes.at(failure.region) = &failure.message;
  std::vector<PatchRow> kept;
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const PatchRow& row = plan.rows[i];
    if (causes[i]) {
      plan.left_out.push_back({{row.x_px, row.y_px}, *causes[i]});
    } else {
      kept.push_back(row);
    }
  }
  plan.rows = std::move(kept);
  plan.warnings.push_back(text);
  return plan;
}

void require_rows_left(const PatchPlan& plan) {
  if (!plan.rows.empty() || plan.left_out.empty()) return;
  throw Error(ErrorCode::kCorrupt,
              plan.warnings.empty() ? "none of its patches can be read" : plan.warnings.back());
}

}  // namespace lamella::patch
