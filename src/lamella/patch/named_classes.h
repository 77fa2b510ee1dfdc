// SPDX-License-Identifier: Apache-2.0
// Classes as studies, the command line and Python name them: each with where its labels come from.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/option.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

struct NamedClass {
  std::string name;
  std::vector<std::string> centers = {};  // paths of lists of positions (NCRF's)
  ClassRule rule = {};                    // by annotations

  bool by_annotations() const { return !rule.annotations.empty() || rule.rest_of_tissue; }
};

// The same in flat words, as the command line and Python take them.
struct LabelOptions {
  std::vector<std::string> classes = {};    // names, in the order of the columns of scores
  std::vector<std::string> groups = {};     // "GROUP:CLASS", of annotations
  std::string rest_of_tissue = {};          // class, "" for none
  std::vector<std::string> wins_over = {};  // "CLASS:CLASS", the first over the second
  static const OptionTable<LabelOptions>& table();
};
// `centers`: "FILE:CLASS". Error kInvalidArgument: a word without a class, or without `classes`.
std::vector<NamedClass> named_classes(const LabelOptions& options,
                                      const std::vector<std::string>& centers);

// Where labels come from: lists of centres, or annotations and what rule.rules say of them. The
// names of the classes are rule.classes in either case.
struct LabelSources {
  std::vector<CentreFile> centers = {};
  AnnotationRule rule = {};

  bool by_annotations() const { return !rule.rules.empty(); }
};

// Lists come in the order of rows: those of the last class first, since of two classes that is the
// one that is looked for. The numbers of the rule stay as they are.
// Error kInvalidArgument: names that are not valid; lists for some classes and annotations for
// others; no source of labels at all; a rule that makes no sense.
void assign_classes(const std::vector<NamedClass>& classes, LabelSources& sources);

}  // namespace lamella::patch
