// SPDX-License-Identifier: Apache-2.0
#include "lamella/cohort/classes_table.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::cohort {
namespace {

patch::LabelSources read(const std::string& text) {
  const toml::table root = toml::parse(text);
  patch::LabelSources sources;
  settings::TomlReader reader(root, "", "s.toml");
  read_classes(*reader.table("classes"), "/data", sources);
  return sources;
}

std::string fault_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(ClassesTable, KeepsTheOrderOfTheFile) {
  const patch::LabelSources sources = read(R"([classes]
zebra = { centers = ["z.txt"] }
apple = { centers = ["/abs/a.txt", "b.txt"] }
[classes.mouse]
centers = ["m.txt"]
)");
  EXPECT_EQ(sources.rule.classes, (ClassTable{{"zebra", "apple", "mouse"}}));
  ASSERT_EQ(sources.centers.size(), 4u);
  EXPECT_EQ(sources.centers[0].path, "/data/m.txt") << "the last class comes first";
  EXPECT_EQ(sources.centers[1].path, "/abs/a.txt");
  const nlohmann::json json = classes_json(sources);
  EXPECT_EQ(json[0]["name"], "zebra");
  EXPECT_EQ(json[1]["centers"], (nlohmann::json{"/abs/a.txt", "/data/b.txt"}));
}

TEST(ClassesTable, ByAnnotations) {
  const patch::LabelSources sources = read(R"([classes]
normal = { annotations = ["_2"], rest_of_tissue = true, wins_over = ["tumor"] }
tumor = { annotations = ["Tumor", "_0"] }
)");
  ASSERT_TRUE(sources.by_annotations());
  EXPECT_TRUE(sources.rule.rules[0].rest_of_tissue);
  EXPECT_EQ(sources.rule.rules[1].annotations, (std::vector<std::string>{"Tumor", "_0"}));
  EXPECT_EQ(classes_json(sources)[0]["wins_over"][0], "tumor");
}

TEST(ClassesTable, SaysWhatIsWrong) {
  EXPECT_NE(fault_of("[classes]\na = { centers = [\"x\"] }\nb = {}\n")
                .find("class 'b': found no source of labels"),
            std::string::npos);
  EXPECT_NE(fault_of("[classes]\na = { centers = [\"x\"] }\n").find("found 1 classes"),
            std::string::npos);
  EXPECT_NE(fault_of("[classes]\na = { centre = [\"x\"] }\nb = { centers = [\"x\"] }\n")
                .find("unknown key 'classes.a.centre'"),
            std::string::npos);
  EXPECT_NE(fault_of("[classes]\na = 1\nb = { centers = [\"x\"] }\n").find("expected a table"),
            std::string::npos);
  std::string many = "[classes]\n";
  for (int i = 0; i < 65; ++i) many += "c" + std::to_string(i) + " = { centers = [\"x\"] }\n";
  EXPECT_NE(fault_of(many).find("found 65 classes, expected 2 to 64"), std::string::npos);
}

std::string instead_of(const std::string& patches) {
  const toml::table root = toml::parse("[patches]\n" + patches);
  settings::TomlReader reader(root, "", "s.toml");
  try {
    refuse_old_labels(*reader.table("patches"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    return error.message();
  }
  return "";
}

TEST(ClassesTable, SaysWhatStandsInPlaceOfOldKeys) {
  EXPECT_EQ(instead_of("size_px = 50\n"), "");
  EXPECT_EQ(instead_of("from_annotations = { positive = [\"T\"], negative_from_tissue = true, "
                       "min_coverage = 0.5, max_per_slide = 9 }\n"),
            "line 2, column 20: 'patches.from_annotations' is no more: classes have names of their "
            "own; write in its place:\n\n[classes]\nnormal = { rest_of_tissue = true, wins_over = "
            "[\"tumor\"] }\ntumor = { annotations = [\"T\"] }\n\n[patches]\nmin_coverage = 0.5\n"
            "max_per_slide = 9\n");
  const std::string lists = instead_of("centers = [{ file = \"t.txt\", label = 1 }]\n");
  EXPECT_NE(lists.find("normal = { centers = [] }\ntumor = { centers = [\"t.txt\"] }"),
            std::string::npos)
      << lists;
}

}  // namespace
}  // namespace lamella::cohort
