// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/groups.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::annotation {
namespace {

using Names = std::vector<std::string>;

// Outlines of the groups named, and groups that are declared alone.
AnnotationSet set_of(const Names& drawn, const Names& declared = {}) {
  AnnotationSet set;
  set.path = "a.xml";
  set.groups = declared;
  for (const std::string& group : drawn) {
    set.polygons.push_back({"p", group, {{0, 0}, {1, 0}, {1, 1}}});
    if (!group.empty()) set.groups.push_back(group);
  }
  return set;
}

std::string message_of(const AnnotationSet& set, const std::vector<WantedGroups>& wanted) {
  try {
    check_groups(set, wanted);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    return error.what();
  }
  return "no error";
}

const std::vector<WantedGroups> kTumour = {{"positive", {"Tumor"}}, {"negative", {}}};

TEST(Groups, NamesOfOutlinesWithoutOne) {
  for (const char* name : {"None", "none", "ungrouped", "(ungrouped)", ""}) {
    EXPECT_TRUE(names_group(name, "")) << name;
    EXPECT_FALSE(names_group(name, "Tumor")) << name;
  }
  EXPECT_TRUE(names_group("Tumor", "Tumor"));
  EXPECT_FALSE(names_group("tumor", "Tumor"));
  EXPECT_FALSE(names_group("Tumor", ""));
}

TEST(Groups, WhatIsDrawnIsEnough) {
  EXPECT_TRUE(check_groups(set_of({"Tumor"}), kTumour).empty());
  EXPECT_TRUE(check_groups(set_of({}, {"Tumor"}), kTumour).empty()) << "a slide without tumour";
  EXPECT_TRUE(check_groups(set_of({}), kTumour).empty());
  EXPECT_TRUE(check_groups(set_of({""}), {{"positive", {"None"}}}).empty());
  EXPECT_EQ(check_groups(set_of({"Tumor", "Ink", ""}), kTumour),
            Names{"annotation groups that no class names are left out: Ink, (ungrouped) (chosen by "
                  "the name None)"});
}

TEST(Groups, AGroupThatIsNotThere) {
  EXPECT_EQ(message_of(set_of({"Tumour", "Ink"}), kTumour),
            "a.xml: found no annotation group 'Tumor' (positive) (did you mean 'Tumour'?), "
            "expected one of the file's: Tumour, Ink");
  EXPECT_EQ(message_of(set_of({""}), kTumour),
            "a.xml: found no annotation group 'Tumor' (positive), expected one of the file's: "
            "(ungrouped); outlines without a group are chosen by the name None");
}

TEST(Groups, DeclaredAndNotDrawn) {
  EXPECT_EQ(message_of(set_of({"tumor"}, {"Tumor"}), kTumour),
            "a.xml: the annotation group 'Tumor' (positive) is declared, but no outline is in it, "
            "expected one of those that are drawn: tumor");
  EXPECT_NE(message_of(set_of({"Tumour"}, {"Tumor"}), kTumour).find("Tumour"), std::string::npos);
  EXPECT_NE(message_of(set_of({""}, {"Tumor"}), kTumour).find("by the name None"),
            std::string::npos);
  // Another drawn group is no slip: a slide without tumour, with ink.
  EXPECT_EQ(check_groups(set_of({"Ink"}, {"Tumor"}), kTumour),
            (Names{"the annotation group 'Tumor' (positive) is declared, but no outline is in it",
                   "annotation groups that no class names are left out: Ink"}));
  // With a drawn list beside it, an ungrouped outline is a thing of its own.
  EXPECT_EQ(check_groups(set_of({"Normal", ""}, {"Tumor"}),
                         {{"positive", {"Tumor"}}, {"negative", {"Normal"}}})
                .size(),
            2u);
}

}  // namespace
}  // namespace lamella::annotation
