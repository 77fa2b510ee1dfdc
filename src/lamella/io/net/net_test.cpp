// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/io/net/http_client.h"
#include "lamella/io/net/url.h"

namespace lamella::io {
namespace {

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(parse_retry_after("7", 0), 7);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 60), 40);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 160), 0);
  for (const char* wrong : {"", "soon", "-3"}) EXPECT_FALSE(parse_retry_after(wrong, 0)) << wrong;
}

TEST(PercentEncode, LeavesOnlyWhatNeedsNoEncoding) {
  EXPECT_EQ(percent_encode("a-Z_0.~"), "a-Z_0.~");
  EXPECT_EQ(percent_encode("µ 1%/#?"), "%C2%B5%201%25%2F%23%3F");
}

TEST(PercentDecode, TakesWhatIsNoCodeAsItIs) {
  EXPECT_EQ(percent_decode("me%40home%3a"), "me@home:");
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode(""), "");
}

TEST(ParseUrl, KnowsItsParts) {
  const auto url = parse_url("HTTPS://host:5000/a%20b/c");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "host");
  EXPECT_EQ(url->port, "5000");
  EXPECT_EQ(url->path, "/a%20b/c");
  EXPECT_FALSE(url->has_query);
  EXPECT_TRUE(parse_url("http://h?x=1")->has_query);
  EXPECT_EQ(parse_url("http://[::1]:80/")->host, "[::1]");
  for (const char* wrong :
       {"", "host", "http://", "http://a b", "http://h:99999", "http://h/a b"}) {
    EXPECT_FALSE(parse_url(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace lamella::io
