// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/named_classes.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::patch {
namespace {

std::string fault_of(const std::vector<NamedClass>& classes) {
  LabelSources sources;
  try {
    assign_classes(classes, sources);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(NamedClasses, ByListsTheLastClassFirst) {
  LabelSources sources;
  sources.rule.seed = 11;
  assign_classes({{"normal", {"n.txt"}, {}}, {"tumor", {"t1.txt", "t2.txt"}, {}}}, sources);
  EXPECT_EQ(sources.rule.classes, (ClassTable{{"normal", "tumor"}}));
  EXPECT_TRUE(sources.rule.rules.empty());
  EXPECT_EQ(sources.rule.seed, 11u);
  ASSERT_EQ(sources.centers.size(), 3u);
  EXPECT_EQ(sources.centers[0].path, "t1.txt");
  EXPECT_EQ(sources.centers[0].label, 1);
  EXPECT_EQ(sources.centers[1].path, "t2.txt");
  EXPECT_EQ(sources.centers[2].path, "n.txt");
  EXPECT_EQ(sources.centers[2].label, 0);
}

TEST(NamedClasses, ByAnnotations) {
  LabelSources sources;
  assign_classes({{"normal", {}, {{"_2"}, true, {"tumor"}}}, {"tumor", {}, {{"T"}, false, {}}}},
                 sources);
  EXPECT_TRUE(sources.centers.empty());
  ASSERT_EQ(sources.rule.rules.size(), 2u);
  EXPECT_EQ(sources.rule.rules[0].wins_over, std::vector<std::string>{"tumor"});
}

TEST(NamedClasses, RefusesWhatMakesNoSense) {
  const ClassRule drawn{{"T"}, false, {}};
  EXPECT_NE(fault_of({{"a", {"a.txt"}, {}}, {"a", {"b.txt"}, {}}}).find("'a' twice"),
            std::string::npos);
  EXPECT_EQ(fault_of({{"a", {"a.txt"}, {}}, {"b", {}, {}}}), "") << "a slide may have none of one";
  EXPECT_NE(fault_of({{"a", {}, {}}, {"b", {}, {}}}), "") << "no source at all";
  EXPECT_NE(fault_of({{"a", {"a.txt"}, {}}, {"b", {}, drawn}}).find("one source of labels"),
            std::string::npos);
  EXPECT_NE(fault_of({{"a", {"a.txt"}, {}}, {"b", {"b.txt"}, drawn}}), "");
  EXPECT_NE(fault_of({{"a", {}, drawn}}), "") << "one class alone";
  EXPECT_NE(fault_of({}), "");
  std::vector<NamedClass> many;
  for (int i = 0; i < 65; ++i) many.push_back({"c" + std::to_string(i), {"l.txt"}, {}});
  EXPECT_NE(fault_of(many).find("65 classes"), std::string::npos);
}

std::string word_fault(const LabelOptions& options, const std::vector<std::string>& centers) {
  try {
    named_classes(options, centers);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(NamedClasses, InFlatWords) {
  LabelOptions options;
  options.classes = {"normal", "tumor"};
  options.groups = {"_2:normal", "a:b:tumor"};
  options.rest_of_tissue = "normal";
  options.wins_over = {"normal:tumor"};
  const auto drawn = named_classes(options, {});
  ASSERT_EQ(drawn.size(), 2u);
  EXPECT_EQ(drawn[0].rule.annotations, std::vector<std::string>{"_2"});
  EXPECT_TRUE(drawn[0].rule.rest_of_tissue);
  EXPECT_EQ(drawn[0].rule.wins_over, std::vector<std::string>{"tumor"});
  EXPECT_EQ(drawn[1].rule.annotations, std::vector<std::string>{"a:b"});
  const auto listed = named_classes({.classes = {"a", "b"}}, {"x:1.txt:b", "y.txt:a", "z.txt:b"});
  EXPECT_EQ(listed[1].centers, (std::vector<std::string>{"x:1.txt", "z.txt"}));

  EXPECT_NE(word_fault({.classes = {"a", "b"}}, {"x.txt"})
                .find("`centers`: found 'x.txt', expected "
                      "FILE:CLASS"),
            std::string::npos);
  EXPECT_NE(
      word_fault({.classes = {"normal", "tumor"}}, {"x.txt:tumour"}).find("did you mean 'tumor'?"),
      std::string::npos);
  EXPECT_NE(word_fault({}, {"x.txt:a"}).find("no `classes`"), std::string::npos);
  EXPECT_NE(word_fault({.classes = {"a", "b"}, .groups = {":a"}}, {}), "");
}

}  // namespace
}  // namespace lamella::patch
