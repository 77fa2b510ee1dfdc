// SPDX-License-Identifier: Apache-2.0
#include "lamella/testing/temporary_folder.h"

#include <gtest/gtest.h>

#include "lamella/io/files.h"
#include "lamella/testing/test_tiff.h"

namespace lamella::test {
namespace {

TEST(TemporaryFolder, IsItsOwnAndGoneAtItsEnd) {
  std::string path;
  {
    const TemporaryFolder one, other(TemporaryFolder::Place::kMemory);
    EXPECT_NE(one.path(), other.path());
    path = one.put("a/b.txt", std::string("1\0002", 3));
    EXPECT_EQ(path, one.file("a/b.txt"));
    EXPECT_EQ(io::read_text_file(path), std::string("1\0002", 3));
    one.put("a/b.txt", "");
    EXPECT_EQ(io::read_text_file(path), "");
  }
  EXPECT_FALSE(io::exists(path));
}

TEST(TestTiff, WritesWhatItSays) {
  const TiffSpec spec;
  const std::string path = temp_path("plain.tif");
  write_tiff(spec, path);
  EXPECT_EQ(read_bytes(path).substr(0, 2), "II");
  const Image pixels = make_pixels(spec, 0);
  EXPECT_EQ(pixels.width(), 300);
  EXPECT_EQ(pixels.height(), 250);
  EXPECT_TRUE(pixels == expected_rgb(spec, 0));
}

}  // namespace
}  // namespace lamella::test
