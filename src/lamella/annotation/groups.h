// SPDX-License-Identifier: Apache-2.0
// Which groups a rule's names choose.
#pragma once

#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"

namespace lamella::annotation {

// Whether `wanted` chooses `group`: the name itself. "None" (so ASAP writes it), "ungrouped" and
// "(ungrouped)", in any case, choose the outlines that have no group.
bool names_group(const std::string& wanted, const std::string& group);

// "" as people read it: "(ungrouped)".
std::string shown_group(const std::string& group);

// The groups of the set, those without an outline too, and "" if an outline has none.
std::vector<std::string> all_groups(const AnnotationSet& set);

// Error kNotFound, listing the groups there are, if the set has none that `wanted` chooses.
void require_group(const AnnotationSet& set, const std::string& wanted);

struct WantedGroups {
  std::string what;                // whose they are: "positive"
  std::vector<std::string> names;  // none: nothing is wanted
};

// What a rule makes of the set. A file may hold some of the wanted groups only: a slide without
// tumour has none. Gives warnings: groups that no list names, and a list all of whose groups are
// declared, but not drawn, while others are.
// Error kNotFound, listing the groups there are, where a slip is likely: a list finds none of its
// groups while there are groups that no list names; or its groups are declared, but not drawn, and
// what is drawn is spelled nearly so, or nothing but outlines without a group.
std::vector<std::string> check_groups(const AnnotationSet& set,
                                      const std::vector<WantedGroups>& wanted);

}  // namespace lamella::annotation
