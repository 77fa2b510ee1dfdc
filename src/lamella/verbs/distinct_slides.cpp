// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <set>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/verbs/train_files.h"

namespace lamella::verbs {

namespace {

using Position = std::pair<int64_t, int64_t>;

std::set<Position> positions_of(const patch::PatchPlan& plan) {
  std::set<Position> positions;
  for (const patch::PatchRow& row : plan.rows) positions.emplace(row.x_px, row.y_px);
  return positions;
}

// Rows of `plan` that stand in `others`, too.
int64_t shared_rows(const patch::PatchPlan& plan, const std::set<Position>& others) {
  int64_t shared = 0;
  for (const patch::PatchRow& row : plan.rows) shared += others.contains({row.x_px, row.y_px});
  return shared;
}

class Checker {
 public:
  Checker(const std::vector<storage::FeatureFile>& files, const std::vector<std::string>& sources,
          const Context& context)
      : files_(files), sources_(sources), context_(context) {}

  void check() {
    for (size_t i = 0; i < files_.size(); ++i) {
      const patch::PatchPlan& plan = files_[i].plan;
      std::vector<size_t>& of_id = by_id_[to_lower(plan.slide_id)];
      for (const size_t other : of_id) check_same_id(other, i);
      of_id.push_back(i);
      if (plan.slide_fingerprint.empty()) continue;
      const auto [seen, fresh] = by_fingerprint_.emplace(plan.slide_fingerprint, i);
      const patch::PatchPlan& first = files_[seen->second].plan;
      if (fresh || to_lower(first.slide_id) == to_lower(plan.slide_id)) continue;
      refuse(fmt::format("{} and {} are of the same slide file; expected each slide once",
                         described(seen->second), described(i)),
             i);
    }
  }

 private:
  void check_same_id(size_t first, size_t second) {
    const patch::PatchPlan &a = files_[first].plan, &b = files_[second].plan;
    const bool known = !a.slide_fingerprint.empty() && !b.slide_fingerprint.empty();
    if (known && a.slide_fingerprint != b.slide_fingerprint) {
      refuse(fmt::format("{} and {} are of different slide files with one id; expected an id for "
                         "each slide (`slide_id` of its plan)",
                         described(first), described(second)),
             second);
    }
    const int64_t shared = shared_rows(b, positions_of(a));
    if (shared > 0) {
      refuse(fmt::format("{} of the {} patches of {} stand in {}, too; expected each patch once",
                         shared, b.rows.size(), described(second), described(first)),
             second);
    }
    context_.warn(fmt::format("{} and {} are of one slide; their patches are taken together",
                              described(first), described(second)));
  }

  std::string described(size_t i) const {
    const patch::PatchPlan& plan = files_[i].plan;
    const std::string source = i < sources_.size() ? sources_[i] + " of " : "";
    return fmt::format("slide '{}' ({}{})", plan.slide_id, source, plan.slide_path);
  }

  [[noreturn]] void refuse(const std::string& message, size_t i) const {
    throw Error(ErrorCode::kMismatch, message, i < sources_.size() ? sources_[i] : "");
  }

  const std::vector<storage::FeatureFile>& files_;
  const std::vector<std::string>& sources_;
  const Context& context_;
  std::map<std::string, std::vector<size_t>> by_id_;
  std::map<std::string, size_t> by_fingerprint_;
};

}  // namespace

void require_distinct_slides(const std::vector<storage::FeatureFile>& files,
                             const std::vector<std::string>& sources, const Context& context) {
  Checker(files, sources, context).check();
}

}  // namespace lamella::verbs
