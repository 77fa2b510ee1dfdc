// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::io {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  size_t file_count() const {
    return static_cast<size_t>(std::distance(fs::recursive_directory_iterator(folder_),
                                             fs::recursive_directory_iterator()));
  }
  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
};

TEST_F(Files, WritesAndReadsBack) {
  write_file_atomic(at("a/b.txt"), "hello");
  EXPECT_EQ(read_text_file(at("a/b.txt")), "hello");
  write_file_atomic(at("a/b.txt"), "");
  EXPECT_EQ(read_text_file(at("a/b.txt")), "");
  EXPECT_EQ(file_count(), 2u);
}

TEST_F(Files, AFailedWriteLeavesTheOldFileAndNothingElse) {
  write_file_atomic(at("x"), "old");
  EXPECT_THROW(replace_file(at("x"),
                            [](const std::string& temporary) {
                              std::ofstream(temporary) << "half";
                              throw Error(ErrorCode::kIo, "disk full");
                            }),
               Error);
  EXPECT_EQ(read_text_file(at("x")), "old");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(Files, NamesThePathThatCannotBeWritten) {
  write_file_atomic(at("file"), "x");
  try {
    write_file_atomic(at("file/inside"), "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find(at("file")), std::string::npos);
  }
  EXPECT_THROW(require_writable_folder(at("file")), Error);
  EXPECT_NO_THROW(require_writable_folder(at("new")));
}

TEST_F(Files, ReadsOnlyWhatIsThere) {
  write_file_atomic(at("f"), "0123456789");
  const auto source = open_file(at("f"));
  EXPECT_EQ(source->size(), 10);
  std::byte bytes[4];
  source->read_at(6, bytes);
  EXPECT_EQ(static_cast<char>(bytes[3]), '9');
  EXPECT_THROW(source->read_at(7, bytes), Error);
  EXPECT_THROW(source->read_at(-1, bytes), Error);
  EXPECT_THROW(open_file(at("absent")), Error);
  EXPECT_THROW(open_file(folder_), Error);
  EXPECT_THROW(read_text_file(at("f"), 9), Error);
}

TEST_F(Files, FingerprintSeesSizeAndContents) {
  std::string big(5 << 20, 'a');
  write_file_atomic(at("1"), big);
  big.back() = 'b';
  write_file_atomic(at("2"), big);
  write_file_atomic(at("3"), big + "b");
  const auto print = [&](const char* name) { return fingerprint(*open_file(at(name))); };
  EXPECT_NE(print("1"), print("2"));
  EXPECT_NE(print("2"), print("3"));
  EXPECT_EQ(print("1"), print("1"));
  EXPECT_EQ(file_sha256(at("2")), sha256_hex(big));
}

TEST(Paths, ResolveAgainstAFolder) {
  EXPECT_EQ(resolve("/a/b", "../c.txt"), "/a/c.txt");
  EXPECT_EQ(resolve("/a/b", "/c.txt"), "/c.txt");
  EXPECT_EQ(parent_folder("x.txt"), ".");
  EXPECT_EQ(stem("/a/b.c.tif"), "b.c");
}

TEST(Csv, ReadsWhatPeopleWrite) {
  const auto rows = parse_csv("\xEF\xBB\xBFid,path\r\n\r\na, \"x\nb,c", "t");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].fields, (std::vector<std::string>{"id", "path"}));
  EXPECT_EQ(rows[1].line, 3);
  EXPECT_EQ(rows[1].fields[1], "\"x");  // a quote after a space is text, as in RFC 4180
}

TEST(Csv, ReadsQuotedFields) {
  const auto rows = parse_csv("a,\"x, \"\"y\"\"\",b\n\"two\nlines\",z\nend", "t");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].fields, (std::vector<std::string>{"a", "x, \"y\"", "b"}));
  EXPECT_EQ(rows[0].columns, (std::vector<int>{1, 3, 14}));
  EXPECT_EQ(rows[1].fields[0], "two\nlines");
  EXPECT_EQ(rows[2].line, 4);
}

TEST(Csv, SaysWhereItIsBroken) {
  try {
    parse_csv("a,b\n\"open,c\n", "t.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    EXPECT_TRUE(std::string(error.what()).starts_with("t.csv: line 2, column 1:")) << error.what();
  }
  EXPECT_THROW(parse_csv("\"a\"b,c", "t"), Error);
  const auto rows = parse_csv("a,b", "t");
  try {
    throw_csv_error("t", rows[0], 1, "a number");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "t: line 1, column 3: found 'b', expected a number");
  }
}

}  // namespace
}  // namespace lamella::io
