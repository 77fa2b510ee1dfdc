// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/base64.h"

#include <gtest/gtest.h>

namespace lamella {
namespace {

TEST(Base64, IsThatOfRfc4648) {
  for (const auto& [bytes, text] :
       {std::pair("", ""), std::pair("f", "Zg=="), std::pair("fo", "Zm8="),
        std::pair("foo", "Zm9v"), std::pair("foobar", "Zm9vYmFy")}) {
    EXPECT_EQ(base64(bytes), text);
  }
  EXPECT_EQ(base64(std::string("\xff\xfe\x00", 3)), "//4A");
  // Longer than one step: no padding but at the end.
  const std::string long_text = base64(std::string((size_t{3} << 20) + 1, 'f'));
  EXPECT_EQ(long_text.find('='), long_text.size() - 2);
  EXPECT_TRUE(long_text.ends_with("Zg=="));
}

TEST(Base64, IsReadBackOrRefused) {
  EXPECT_EQ(from_base64("Zm8="), "fo");
  EXPECT_EQ(from_base64("Zm9vYmFy"), "foobar");
  for (const char* wrong : {"", "Zg", "Z*=="}) EXPECT_FALSE(from_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace lamella
