// SPDX-License-Identifier: Apache-2.0
#include "lamella/settings/toml_reader.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::settings {
namespace {

struct Shape {
  int side_px = 0;
  double share = 0.5;
  std::vector<std::string> names;
  static const OptionTable<Shape>& table() {
    static const auto kTable =
        OptionTable<Shape>()
            .row("side_px", &Shape::side_px,
                 {.help = "the side", .unit = "px", .least = 1, .most = 100, .required = true})
            .row("share", &Shape::share, {.help = "a share", .least = 0, .most = 1})
            .row("names", &Shape::names, {.help = "names"});
    return kTable;
  }
};

Shape read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const toml::table root = parse_toml(text, "s.toml", overrides);
  TomlReader reader(root, "", "s.toml");
  TomlReader table = *reader.table("shape");
  Shape shape;
  table.read(options_of(shape));
  table.finish();
  reader.finish();
  return shape;
}

std::string message_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    read(text, overrides);
  } catch (const Error& error) {
    return error.message();
  }
  return "nothing was thrown";
}

TEST(TomlReader, SetsWhatTheTableHasAndLeavesTheRest) {
  const Shape shape = read("[shape]\nside_px = 3\nnames = ['a', 'b']");
  EXPECT_EQ(shape.side_px, 3);
  EXPECT_EQ(shape.share, 0.5);
  EXPECT_EQ(shape.names, (std::vector<std::string>{"a", "b"}));
}

TEST(TomlReader, OverridesComeAfterTheFile) {
  EXPECT_EQ(read("[shape]\nside_px = 3", {"shape.side_px=4"}).side_px, 4);
  EXPECT_EQ(message_of("[shape]\nside_px = 3", {"shape.side_px"}),
            "override shape.side_px: expected key=value, e.g. train.l2=0.1");
  EXPECT_EQ(message_of("shape = 3", {"shape.side_px=1"}),
            "override shape.side_px: 'shape' is not a table");
}

TEST(TomlReader, ErrorsHavePlaceFoundAndExpected) {
  EXPECT_EQ(message_of("[shape]\nside_px = 'x'"),
            "line 2, column 11: shape.side_px: found \"x\", expected a whole number");
  EXPECT_EQ(message_of("[shape]\nside_px = 101"),
            "line 2, column 11: shape.side_px: found 101, expected 1 to 100 px");
  EXPECT_EQ(message_of("[shape]\nshare = 0.1"),
            "line 1, column 1: 'shape.side_px' is missing; expected the side");
  EXPECT_TRUE(message_of("[shape]\nside_px = 1\nnames = ['a', 2]")
                  .ends_with("shape.names: found 2, expected a list of texts"));
  EXPECT_TRUE(message_of("[shape").starts_with("line 1, column"));
}

TEST(TomlReader, AKeyThatNobodyAskedForIsToldWithTheNearest) {
  EXPECT_TRUE(message_of("[shape]\nside_px = 1\nnmes = []")
                  .starts_with("line 3, column 1: unknown key 'shape.nmes' (did you mean "
                               "'names'?)"));
}

TEST(TomlReader, KeysAreInTheFilesOrder) {
  const toml::table root = parse_toml("b = 1\na = 2", "s.toml", {"c=3"});
  const TomlReader reader(root, "", "s.toml");
  EXPECT_EQ(reader.keys_in_order(), (std::vector<std::string>{"b", "a", "c"}));
}

}  // namespace
}  // namespace lamella::settings
