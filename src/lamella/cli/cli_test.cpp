// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
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
  evaluation::Metrics metrics;
  metrics.n = 3;
  metrics.accuracy = 2.0 / 3;
  const std::string text = metrics_text({{"test", metrics}});
  EXPECT_NE(text.find("0.6667"), std::string::npos);
  EXPECT_NE(text.find("n/a"), std::string::npos);
}

TEST(ParseRegion, TakesFourNumbers) {
  EXPECT_EQ(parse_region("10,20, 30,40"), (RectPx{10, 20, 30, 40}));
  for (const char* text : {"", "1,2,3", "1,2,0,4", "1,2,3,4,5", "a,b,c,d"}) {
    EXPECT_THROW(parse_region(text), Error) << text;
  }
}

TEST(Commands, HaveUniqueNamesHelpAndExamples) {
  std::set<std::string> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_FALSE(std::string(command.help).empty());
    EXPECT_TRUE(std::string(command.example).starts_with(std::string("lamella ") + command.name));
  }
}

}  // namespace
}  // namespace lamella::cli
