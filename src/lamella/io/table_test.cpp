// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/table.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::io {
namespace {

const std::vector<TableColumn> kKnown = {{"slide_id", true}, {"path", true}, {"mpp"}};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    return error.what();
  }
  return "no error";
}

Table table_of(std::string_view text, Notes notes = nullptr) {
  return Table("t.csv", parse_csv(text, "t.csv"), kKnown, notes);
}

TEST(Table, SeparatorsAndOrderAreTaken) {
  for (const char* text :
       {"path,slide_id,mpp\na.tif,A,0.25\n", "path;slide_id;mpp\na.tif;A;0,25\n",
        "path\tslide_id\tmpp\na.tif\tA\t0,25\n", "path\tslide_id\tmpp\na.tif\tA\t0.25\n",
        "sep=;\r\npath;slide_id;mpp\r\na.tif;A;0.25\r\n"}) {
    const Table table = table_of(text);
    ASSERT_EQ(table.size(), 1u) << text;
    EXPECT_EQ(table.text(0, "slide_id"), "A");
    EXPECT_EQ(table.text(0, "path"), "a.tif");
    EXPECT_EQ(table.number(0, "mpp", "a number"), 0.25) << text;
  }
}

TEST(Table, OtherColumnsAreLeftOutAndNoted) {
  std::vector<std::string> notes;
  const Table table = table_of("site,slide_id,path,,note\nx,A,a.tif,,y\n,,,,\n,,,,\n", &notes);
  EXPECT_EQ(table.size(), 1u) << "rows without text are none";
  EXPECT_EQ(notes,
            std::vector<std::string>{"columns that mean nothing here are left out: site, note"});
  EXPECT_EQ(table.text(0, "mpp"), "");
  EXPECT_FALSE(table.number(0, "mpp", "a number"));
}

TEST(Table, ASlipOfThePenIsNotLeftOut) {
  EXPECT_EQ(message_of([] { table_of("slide_id,path,mmp\nA,a.tif,0.5\n"); }),
            "t.csv: line 1, column 15: found 'mmp', expected one of the columns "
            "slide_id,path[,mpp] (did you mean 'mpp'?)");
  EXPECT_NE(message_of([] { table_of("slide,path\nA,a.tif\n"); }).find("did you mean 'slide_id'"),
            std::string::npos);
  EXPECT_EQ(message_of([] { table_of("name|where\nA|a.tif\n"); }),
            "t.csv: line 1: the column 'slide_id' is missing; expected a header like "
            "slide_id,path[,mpp]");
}

TEST(Table, RowsHoldWhatTheHeaderNames) {
  EXPECT_EQ(message_of([] { table_of("slide_id,path\nA\n"); }),
            "t.csv: line 2: found 1 fields, expected 2 as in the header");
  EXPECT_EQ(table_of("slide_id,path\nA,a.tif,,\n").size(), 1u);
  EXPECT_EQ(
      message_of([] { table_of("slide_id,path,mpp\nA,a.tif,0,25\n"); }),
      "t.csv: line 2, column 11: found '25', expected no more than 3 fields as in the header; "
      "a text that holds ',' is put in quotes");
  EXPECT_EQ(message_of([] { table_of("path,path,slide_id\n1,2,3\n"); }),
            "t.csv: line 1, column 6: found 'path', expected each column once");
}

TEST(Table, NumbersThatMayBeTwo) {
  const auto mpp = [](const char* text) {
    return message_of([&] {
      table_of("slide_id;path;mpp\nA;a;" + std::string(text) + "\n").number(0, "mpp", "µm");
    });
  };
  EXPECT_EQ(mpp("0,125"), "no error");
  EXPECT_EQ(mpp("-1,5"), "no error");
  EXPECT_EQ(mpp("1234,567"), "no error");
  for (const char* text : {"1,234", "12,345,678", "1.234,5", "nan", "x"}) {
    EXPECT_NE(mpp(text).find("expected µm"), std::string::npos) << text;
  }
}

TEST(TextFile, Utf16IsReadAndNoted) {
  const std::string little(
      "\xFF\xFE"
      "a\0\xFC\0\x3D\xD8\x00\xDE",
      10);
  const std::string big("\xFE\xFF\0a\0\xFC\xD8\x3D\xDE\x00", 10);
  for (const std::string& bytes : {little, big, little.substr(2), big.substr(2)}) {
    std::vector<std::string> notes;
    EXPECT_EQ(decode_text(bytes, "t", &notes), "a\xC3\xBC\xF0\x9F\x98\x80");
    EXPECT_EQ(notes.size(), 1u);
  }
  EXPECT_EQ(decode_text("\xEF\xBB\xBF"
                        "a",
                        "t"),
            "a");
  const auto refused = [](std::string bytes) {
    return message_of([&] { decode_text(std::move(bytes), "t"); });
  };
  EXPECT_NE(refused(little.substr(0, 9)).find("half a character"), std::string::npos);
  EXPECT_NE(refused(little.substr(0, 8)).find("half a character"), std::string::npos);
  EXPECT_NE(refused(std::string("\xFF\xFE\0\0", 4)).find("UTF-32"), std::string::npos);
  EXPECT_EQ(refused(std::string("ab\nc\0d", 6)),
            "t: line 2, column 2: found a zero byte, expected text (UTF-8 or UTF-16)");
}

TEST(TextFile, WhatIsNoUtf8IsPlaced) {
  require_utf8("a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", "t");
  for (const char* bad : {"a\nM\xFCller", "a\nM\xC0\x80", "a\nM\xED\xA0\x80", "a\nM\xE2\x82",
                          "a\nM\xF5\x80\x80\x80"}) {
    EXPECT_NE(message_of([&] { require_utf8(bad, "t"); }).find("line 2, column 2"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace lamella::io
