// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/option.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/base/option_json.h"
#include "lamella/base/spelling.h"

namespace lamella {
namespace {

struct Inner {
  double min_tissue = 0.5;
  static const OptionTable<Inner>& table() {
    static const auto kTable = OptionTable<Inner>().row(
        "min_tissue", &Inner::min_tissue, {.help = "of annotations", .least = 0, .most = 1});
    return kTable;
  }
};

struct Cooking {
  int size_px = 0;
  std::optional<double> l2;
  double min_tissue = 0.1;
  std::string colour = "red";
  bool fast = false;
  std::vector<std::string> groups;
  std::vector<double> region;
  uint64_t seed = 7;
  Inner inner;
  static const OptionTable<Cooking>& table() {
    static const auto kTable =
        OptionTable<Cooking>()
            .row("size_px", &Cooking::size_px,
                 {.help = "side", .unit = "px", .least = 1, .required = true})
            .row("l2", &Cooking::l2,
                 {.help = "penalty", .least = 0, .above_least = true, .unset = "cv"})
            .row("min_tissue", &Cooking::min_tissue, {.help = "of a grid", .least = 0, .most = 1})
            .row("colour", &Cooking::colour, {.help = "of it", .choices = {"red", "green"}})
            .row("fast", &Cooking::fast, {.help = "soon"})
            .row("groups", &Cooking::groups, {.help = "some"})
            .row("region", &Cooking::region,
                 {.help = "where", .unit = "px", .count = 2, .whole = true})
            .row("seed", &Cooking::seed, {.help = "of chance"})
            .include(&Cooking::inner, Inner::table());
    return kTable;
  }
};

const Option& row(const std::string& name) { return *find_option(Cooking::table().list(), name); }

std::string refusal(const std::string& name, const OptionValue& value) {
  Cooking cooking;
  try {
    set_option(row(name), &cooking, value);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(named_option(error.message()), name);
    return error.message();
  }
  return "";
}

TEST(Options, SetAndGetMembers) {
  Cooking cooking;
  set_option(row("size_px"), &cooking, int64_t{12});
  set_option(row("l2"), &cooking, int64_t{2});  // a whole number is a number
  set_option(row("groups"), &cooking, std::vector<std::string>{"a", "b"});
  EXPECT_EQ(cooking.size_px, 12);
  EXPECT_EQ(cooking.l2, 2.0);
  EXPECT_EQ(cooking.groups.size(), 2u);
  set_option(row("l2"), &cooking, {});
  EXPECT_FALSE(cooking.l2);
  EXPECT_EQ(std::get<int64_t>(row("size_px").get(&cooking)), 12);
}

TEST(Options, TakeTheirDefaultsFromTheStruct) {
  EXPECT_EQ(std::get<std::string>(row("colour").standard), "red");
  EXPECT_EQ(std::get<int64_t>(row("seed").standard), 7);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(row("size_px").standard));  // required
  EXPECT_FALSE(row("size_px").optional);
  EXPECT_TRUE(row("l2").optional);
}

TEST(Options, RefuseWhatIsOutside) {
  EXPECT_EQ(refusal("size_px", int64_t{0}), "`size_px`: found 0, expected at least 1 px");
  EXPECT_EQ(refusal("size_px", int64_t{1} << 40),
            "`size_px`: found 1099511627776, expected a whole number from -2147483648 to "
            "2147483647");
  EXPECT_EQ(refusal("size_px", 1.5), "`size_px`: found '1.5', expected at least 1 px");
  EXPECT_EQ(refusal("size_px", {}), "`size_px`: found nothing, expected at least 1 px");
  EXPECT_EQ(refusal("l2", 0.0), "`l2`: found 0, expected cv or above 0");
  EXPECT_EQ(refusal("l2", std::numeric_limits<double>::infinity()),
            "`l2`: found inf, expected cv or above 0");
  EXPECT_EQ(refusal("colour", std::string("gren")),
            "`colour`: found 'gren', expected red or green (did you mean 'green'?)");
  EXPECT_EQ(refusal("region", std::vector<double>{1}),
            "`region`: found 1 numbers, expected 2 whole numbers px");
  EXPECT_EQ(refusal("region", std::vector<double>{1, 1.5}),
            "`region`: found 1.5, expected whole numbers");
  EXPECT_EQ(refusal("seed", int64_t{-1}),
            "`seed`: found -1, expected a whole number of at least 0");
  Cooking cooking;
  cooking.size_px = 5;
  cooking.region = {0, 0};
  EXPECT_NO_THROW(Cooking::table().check(cooking));
  cooking.min_tissue = 1.5;
  EXPECT_THROW(Cooking::table().check(cooking), Error);
}

TEST(Options, OfOneNameAreSetTogether) {
  Cooking cooking;
  EXPECT_TRUE(row("min_tissue").optional);
  set_option(row("min_tissue"), &cooking, {});
  EXPECT_EQ(cooking.min_tissue, 0.1);
  EXPECT_EQ(cooking.inner.min_tissue, 0.5);
  set_option(row("min_tissue"), &cooking, 0.25);
  EXPECT_EQ(cooking.min_tissue, 0.25);
  EXPECT_EQ(cooking.inner.min_tissue, 0.25);
  EXPECT_EQ(help_text(row("min_tissue")), "of a grid; of annotations (0 to 1; default 0.1, 0.5)");
}

TEST(Options, AreParsedFromWords) {
  EXPECT_EQ(std::get<int64_t>(parse_option(row("size_px"), {"12"})), 12);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(parse_option(row("l2"), {"cv"})));
  EXPECT_EQ(std::get<double>(parse_option(row("l2"), {"1e-3"})), 1e-3);
  EXPECT_EQ(std::get<std::vector<double>>(parse_option(row("region"), {"3, 4"})),
            (std::vector<double>{3, 4}));
  EXPECT_EQ(std::get<std::vector<double>>(parse_option(row("region"), {"3", "4"})),
            (std::vector<double>{3, 4}));
  EXPECT_EQ(std::get<bool>(parse_option(row("fast"), {})), true);
  EXPECT_THROW(parse_option(row("size_px"), {"1.5"}), Error);
  EXPECT_THROW(parse_option(row("l2"), {"best"}), Error);
  EXPECT_THROW(parse_option(row("region"), {"3,"}), Error);
  EXPECT_THROW(parse_option(row("region"), {"3,x"}), Error);
}

TEST(Options, TellAboutThemselves) {
  EXPECT_EQ(help_text(row("size_px")), "side (at least 1 px)");
  EXPECT_EQ(help_text(row("l2")), "penalty (above 0; default cv)");
  EXPECT_EQ(help_text(row("colour")), "of it (red or green; default red)");
  EXPECT_EQ(help_text(row("fast")), "soon");
  const nlohmann::json object = json_of_options(Cooking{});
  EXPECT_EQ(object["l2"], "cv");
  EXPECT_EQ(object["seed"], 7);
  EXPECT_EQ(object["min_tissue"].dump(), "0.1");
  EXPECT_EQ(describe(row("size_px"))["unit"], "px");
  EXPECT_EQ(describe(row("size_px"))["most"], nullptr);
}

TEST(SpellOptions, PutsTheFacesNames) {
  const auto flag = [](const std::string& name) { return "--" + name; };
  EXPECT_EQ(spell_options("`mpp`: found 0, or give `level`", flag),
            "--mpp: found 0, or give --level");
  EXPECT_EQ(spell_options("none of / ' ` \" here, `seed`", flag), "none of / ' ` \" here, --seed");
  EXPECT_EQ(spell_options("`Not a name` `", flag), "`Not a name` `");
  EXPECT_EQ(spell_options("", flag), "");
  EXPECT_EQ(named_option("`a_b`: as `c`"), "a_b");
  EXPECT_EQ(named_option("no name"), "");
}

}  // namespace
}  // namespace lamella
