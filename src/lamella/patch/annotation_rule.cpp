// SPDX-License-Identifier: Apache-2.0
// What a rule of classes may say.
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_winner(const AnnotationRule& rule, size_t k) {
  const std::string& name = rule.classes.names[k];
  for (const std::string& loser : rule.rules[k].wins_over) {
    const auto found = rule.classes.find(loser);
    if (!found || loser == name) {
      refuse(fmt::format("class '{}', wins_over: found '{}'{}, expected other classes of {}", name,
                         loser, found ? "" : did_you_mean(loser, rule.classes.names),
                         rule.classes.text()));
    }
    if (contains(rule.rules[static_cast<size_t>(*found)].wins_over, name)) {
      refuse(
          fmt::format("found that '{}' wins over '{}' and the other way round, expected one of "
                      "them",
                      name, loser));
    }
  }
}

void check_sources(const AnnotationRule& rule) {
  const bool any = std::any_of(rule.rules.begin(), rule.rules.end(), [](const ClassRule& one) {
    return !one.annotations.empty() || one.rest_of_tissue;
  });
  if (!any) {
    refuse(
        "found no annotation groups for any class, expected at least one group, or the rest of "
        "the tissue");
  }
  std::string rest;
  for (size_t k = 0; k < rule.rules.size(); ++k) {
    const ClassRule& one = rule.rules[k];
    const std::string& name = rule.classes.names[k];
    if (one.rest_of_tissue && !rest.empty()) {
      refuse(
          fmt::format("found two classes for the rest of the tissue, '{}' and '{}', expected "
                      "one",
                      rest, name));
    }
    if (one.rest_of_tissue) rest = name;
    for (size_t j = 0; j < k; ++j) {
      for (const std::string& group : one.annotations) {
        if (!contains(rule.rules[j].annotations, group)) continue;
        refuse(
            fmt::format("found the annotation group '{}' in the classes '{}' and '{}', expected "
                        "it in one of them",
                        group, rule.classes.names[j], name));
      }
    }
  }
}

}  // namespace

void AnnotationRule::validate() const {
  table().check(*this);
  classes.validate();
  if (rules.size() != classes.names.size()) {
    refuse(fmt::format("found {} rules for {} classes, expected as many", rules.size(),
                       classes.names.size()));
  }
  check_sources(*this);
  for (size_t k = 0; k < rules.size(); ++k) check_winner(*this, k);
}

}  // namespace lamella::patch
