// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/check_plan.h"

#include <fmt/format.h>

#include "lamella/base/error.h"

namespace lamella::verbs {

void require_same_slide(const patch::PatchPlan& plan, const slide::SlideInfo& info) {
  if (plan.slide_fingerprint == info.fingerprint) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("the plan was made for another slide: {} (fingerprint {:.12}…), not for "
                          "this file ({:.12}…); plan this slide first",
                          plan.slide_path, plan.slide_fingerprint, info.fingerprint),
              info.path);
}

void require_same_slide(const heatmap::ScoredSlide& scored, const slide::SlideInfo& info,
                        const std::string& path) {
  if (scored.fingerprint.empty() || scored.fingerprint == info.fingerprint) return;
  throw Error(
      ErrorCode::kMismatch,
      fmt::format("has the scores of slide '{}' ({}, fingerprint {:.12}…), not of {} "
                  "({:.12}…); score this slide first",
                  scored.slide_id, scored.path, scored.fingerprint, info.path, info.fingerprint),
      path);
}

}  // namespace lamella::verbs
