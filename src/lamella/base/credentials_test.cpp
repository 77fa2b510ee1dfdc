// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/credentials.h"

#include <gtest/gtest.h>

namespace lamella {
namespace {

TEST(Credentials, AreCutOutOfEveryAddress) {
  EXPECT_EQ(without_credentials("a http://u:p@h/x and https://t@g:1?q=a@b"),
            "a http://h/x and https://g:1?q=a@b");
  EXPECT_EQ(without_credentials("http://u:p@ss@h"), "http://h");
  EXPECT_EQ(without_credentials("mail me@home, http://h/a@b"), "mail me@home, http://h/a@b");
  EXPECT_EQ(without_credentials("http://"), "http://");
}

}  // namespace
}  // namespace lamella
