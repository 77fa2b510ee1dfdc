// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/class_table.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella {
namespace {

std::string fault_of(const std::vector<std::string>& names) {
  try {
    ClassTable{names}.validate();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(ClassTable, FindsItsNames) {
  const ClassTable classes{{"normal", "tumor", "stroma"}};
  EXPECT_NO_THROW(classes.validate());
  EXPECT_EQ(classes.find("stroma"), 2);
  EXPECT_EQ(classes.find("Stroma"), std::nullopt);
  EXPECT_EQ(classes.index_of("normal"), 0);
  EXPECT_EQ(classes.text(), "normal, tumor, stroma");
  EXPECT_TRUE(classes.has(2));
  EXPECT_FALSE(classes.has(3));
  EXPECT_FALSE(classes.has(-1));
  try {
    classes.index_of("tumour");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_EQ(error.message(),
              "found the class 'tumour' (did you mean 'tumor'?), expected one of normal, tumor, "
              "stroma");
  }
}

TEST(ClassTable, TakesTwoToSixtyFour) {
  std::vector<std::string> names;
  for (int i = 0; i < 64; ++i) names.push_back("class " + std::to_string(i));
  EXPECT_EQ(fault_of(names), "");
  names.push_back("one more");
  EXPECT_EQ(fault_of(names), "found 65 classes, expected 2 to 64");
  EXPECT_EQ(fault_of({"alone"}), "found 1 classes, expected 2 to 64");
  EXPECT_EQ(fault_of({}), "found 0 classes, expected 2 to 64");
}

TEST(ClassTable, RefusesNamesThatAreNoHeader) {
  EXPECT_EQ(fault_of({"a", "b", "a"}), "found the class 'a' twice, expected each once");
  EXPECT_NE(fault_of({"Tumor", "tumor"}).find("upper and lower case"), std::string::npos);
  for (const char* name : {"a,b", "a\"b", "a'b", "a\nb", "a\rb", "a\tb", "a/b", "a\\b", "\x7f"}) {
    EXPECT_NE(fault_of({"good", name}).find("without comma, quote"), std::string::npos) << name;
  }
  EXPECT_EQ(fault_of({"a\nb", "c"}).find('\n'), std::string::npos) << "and the message is one line";
  for (const char* name : {" a", "a ", ".a", ".."}) EXPECT_NE(fault_of({"b", name}), "") << name;
  EXPECT_NE(fault_of({"b", ""}), "");
  EXPECT_NE(fault_of({"b", "most likely"}), "");
  EXPECT_NE(fault_of({"b", "unlabelled"}), "");
  EXPECT_NE(fault_of({"b", "\xff\xfe"}).find("UTF-8"), std::string::npos);
  EXPECT_NE(fault_of({"b", std::string(101, 'x')}).find("found 101 bytes"), std::string::npos);
  EXPECT_EQ(fault_of({"Drüsen", "fatty tissue (loose)"}), "");
}

TEST(ClassTable, SaysHowTwoDiffer) {
  const ClassTable one{{"a", "b"}}, other{{"a", "b", "c"}};
  EXPECT_NO_THROW(require_same_classes(one, "the model", one, "the study"));
  try {
    require_same_classes(other, "the model", one, "the study", "m");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_EQ(error.message(),
              "the model has the classes a, b, c, the study has a, b; expected the same names in "
              "the same order");
  }
}

}  // namespace
}  // namespace lamella
