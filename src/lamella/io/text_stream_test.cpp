// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/text_stream.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::io {
namespace {

std::string all_of(TextStream& text) {
  std::string all;
  for (std::string_view piece = text.next(); !piece.empty(); piece = text.next()) all += piece;
  return all;
}

TEST(TextStream, PiecesAreTheWholeAndTheHeadIsNotTaken) {
  const std::string text = "\xEF\xBB\xBF" + std::string((3 << 20) + 17, 'x') + "end";
  TextStream stream = TextStream::of_text(text, "a");
  EXPECT_EQ(stream.head(), std::string(1 << 16, 'x'));
  EXPECT_EQ(all_of(stream), text.substr(3));
  EXPECT_EQ(stream.read(), stream.size());
  stream.rewind();
  EXPECT_EQ(all_of(stream), text.substr(3));
}

TEST(TextStream, Utf16CharactersMayLieAcrossPieces) {
  for (const bool big : {false, true}) {
    // One unit, then pairs for U+1F52C: a pair lies across every end of a piece.
    const auto unit = [&](char high, char low) {
      return big ? std::string{high, low} : std::string{low, high};
    };
    std::string wide = unit('\xFE', '\xFF') + unit('\0', 'a') + unit('\0', 'b');
    std::string expected = "ab";
    for (int i = 0; i < 700'000; ++i) {
      wide += unit('\xD8', '\x3D') + unit('\xDD', '\x2C');
      expected += "\xF0\x9F\x94\xAC";
    }
    TextStream stream = TextStream::of_text(wide, "a");
    EXPECT_EQ(all_of(stream), expected) << big;
    TextStream shifted = TextStream::of_text(wide + unit('\0', 'c'), "a");
    EXPECT_EQ(all_of(shifted), expected + "c");
    TextStream half = TextStream::of_text(wide + "x", "a");
    EXPECT_THROW(all_of(half), Error);
  }
}

TEST(TextStream, AnEmptyFileAndAZeroByte) {
  TextStream empty = TextStream::of_text("", "a");
  EXPECT_EQ(empty.head(), "");
  EXPECT_EQ(empty.next(), "");
  TextStream zero = TextStream::of_text(std::string(1 << 20, 'x') + std::string(10, '\0'), "a");
  EXPECT_THROW(all_of(zero), Error);
}

}  // namespace
}  // namespace lamella::io
