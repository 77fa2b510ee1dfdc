// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"

namespace lamella::cli {
namespace {

TEST(Table, AlignsNumbersRightAndLeavesOutEmptyColumns) {
  Table table({"slide", "n", "empty"});
  table.add({"a", "5", ""});
  table.add({"long_name", "120", ""});
  EXPECT_EQ(table.text(),
            "slide        n\n"
            "a            5\n"
            "long_name  120\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"µm", "x"});
  table.add({"é", "b"});
  table.add({"ab", "c"});
  EXPECT_EQ(table.text(), "µm  x\né   b\nab  c\n");
}

TEST(MetricsText, SaysWhatThereIsNot) {
  evaluation::ClassMetrics metrics;
  metrics.classes.names = {"fat", "gland"};
  metrics.n = 3;
  metrics.per_class.resize(2);
  metrics.per_class.back().n = 3;
  metrics.per_class.back().accuracy = 2.0 / 3;
  const std::string text = metrics_text({{"test", metrics}});
  EXPECT_NE(text.find("0.6667"), std::string::npos);
  EXPECT_NE(text.find("n/a"), std::string::npos);
}

struct Frying {
  int size_px = 0;
  double min_tissue = 0.1;
  bool fast = false;
  std::vector<std::string> groups;
  static const OptionTable<Frying>& table() {
    static const auto kTable =
        OptionTable<Frying>()
            .row("size_px", &Frying::size_px, {.help = "side", .least = 1, .required = true})
            .row("min_tissue", &Frying::min_tissue, {.help = "part", .least = 0, .most = 1})
            .row("fast", &Frying::fast, {.help = "soon"})
            .row("groups", &Frying::groups, {.help = "some"});
    return kTable;
  }
};

class Flags : public ::testing::Test {
 protected:
  Flags() {
    CLI::App* fry = app_.add_subcommand("fry", "");
    add_flags(*fry, frying_);
    app_.require_subcommand(1);
  }
  // Words in order.
  void parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());
    app_.parse(words);
  }

  Frying frying_;
  CLI::App app_{"", "lamella"};
};

TEST_F(Flags, SetTheMembers) {
  parse({"fry", "--size-px", "7", "--min-tissue=0.5", "--fast", "--groups", "a", "b"});
  EXPECT_EQ(frying_.size_px, 7);
  EXPECT_EQ(frying_.min_tissue, 0.5);
  EXPECT_TRUE(frying_.fast);
  EXPECT_EQ(frying_.groups, (std::vector<std::string>{"a", "b"}));
}

TEST_F(Flags, AreRefusedByTheirBounds) {
  EXPECT_THROW(parse({"fry"}), CLI::RequiredError);
  try {
    parse({"fry", "--size-px", "7", "--min-tissue", "2"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(spell_flags(app_, error.what()), "--min-tissue: found 2, expected 0 to 1");
    EXPECT_EQ(spell_flags(app_, "give `slide_mpp`"), "give the slides table's mpp column");
  }
}

TEST_F(Flags, HaveANearestName) {
  EXPECT_THROW(parse({"fry", "--size-px", "7", "--min-tisue=2"}), CLI::ExtrasError);
  EXPECT_EQ(nearest_word(app_), " (did you mean '--min-tissue'?)");
}

TEST_F(Flags, TellAboutThemselves) {
  const std::string help = app_.get_subcommand("fry")->help();
  EXPECT_NE(help.find("part (0 to 1; default 0.1)"), std::string::npos) << help;
}

TEST(Commands, HaveUniqueNamesHelpAndExamples) {
  std::set<std::string> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_FALSE(std::string(command.help).empty());
    EXPECT_TRUE(std::string(command.example).starts_with(std::string("lamella ") + command.name));
  }
}

// The words of each "  lamella …" line of a help's examples; a line that ends in \ goes on.
std::vector<std::vector<std::string>> examples_of(const CLI::App& app) {
  std::string text = app.get_footer();
  const size_t start = text.find("Example");
  if (start == std::string::npos) return {};
  text = std::regex_replace(text.substr(start), std::regex(R"(\\\n)"), " ");
  std::vector<std::vector<std::string>> examples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
    words.erase(std::find(words.begin(), words.end(), ">"), words.end());  // the shell's
    if (!words.empty() && words[0] == "lamella") examples.push_back(words);
  }
  return examples;
}

void expect_examples(const CLI::App& app, const std::string& name) {
  const auto examples = examples_of(app);
  EXPECT_FALSE(examples.empty()) << name << ": its help has no example";
  for (const std::vector<std::string>& words : examples) {
    Parsed parsed;
    CLI::App fresh{"", "lamella"};
    declare_commands(fresh, parsed);
    std::vector<std::string> reversed(words.rbegin(), words.rend() - 1);
    try {
      fresh.parse(reversed);
      EXPECT_TRUE(parsed.action) << name;
    } catch (const CLI::ParseError& error) {
      ADD_FAILURE() << name << ": the example does not parse: " << error.what();
    }
    EXPECT_TRUE((" " + name + " ").find(" " + words[1] + " ") != std::string::npos) << name;
  }
  for (const CLI::App* part : app.get_subcommands(nullptr)) {
    expect_examples(*part, name + " " + part->get_name());
  }
}

TEST(Commands, EveryHelpHasAnExampleThatParses) {
  Parsed parsed;
  CLI::App app{"", "lamella"};
  declare_commands(app, parsed);
  int commands_seen = 0;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    expect_examples(*command, command->get_name());
    ++commands_seen;
  }
  EXPECT_EQ(commands_seen, static_cast<int>(commands().size()));
}

}  // namespace
}  // namespace lamella::cli
