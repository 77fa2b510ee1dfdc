// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/credentials.h"

#include <gtest/gtest.h>

#include "lamella/base/cancel_scope.h"
#include "lamella/base/error.h"
#include "lamella/base/parallel.h"

namespace lamella {
namespace {

TEST(Credentials, AreCutOutOfEveryAddress) {
  EXPECT_EQ(without_credentials("a http://u:p@h/x and https://t@g:1?q=a@b"),
            "a http://h/x and https://g:1?q=…");
  EXPECT_EQ(without_credentials("http://u:p@ss@h"), "http://h");
  EXPECT_EQ(without_credentials("mail me@home, http://h/a@b"), "mail me@home, http://h/a@b");
  EXPECT_EQ(without_credentials("http://"), "http://");
  EXPECT_EQ(without_credentials("s3://u:p@b/k"), "s3://b/k");
}

TEST(Credentials, InAQueryAreHidden) {
  EXPECT_EQ(without_credentials("'https://h/a.svs?sv=1&sig=s%2F='; next?a=b"),
            "'https://h/a.svs?sv=…&sig=…'; next?a=b");
  EXPECT_EQ(without_credentials("https://h/a?versionId=7&X-Amz-Signature=ab#top"),
            "https://h/a?versionId=7&X-Amz-Signature=…#top");
  EXPECT_EQ(without_credentials("HTTPS://h/a?secret"), "HTTPS://h/a?…");
  EXPECT_EQ(without_credentials("https://h/a?"), "https://h/a?");
  // A name in a bucket may hold what would be a query elsewhere.
  EXPECT_EQ(without_credentials("s3://b/what?is=this.svs"), "s3://b/what?is=this.svs");
  EXPECT_EQ(without_credentials("abfss://c@a.dfs.core.windows.net/s.svs"),
            "abfss://c@a.dfs.core.windows.net/s.svs");
}

TEST(Credentials, StandInNoError) {
  const Error error(ErrorCode::kIo, "no answer from https://u:p@h/?sig=s", "http://u:p@h/x");
  EXPECT_STREQ(error.what(), "http://h/x: no answer from https://h/?sig=…");
  EXPECT_EQ(error.path(), "http://h/x");
  EXPECT_EQ(error.message(), "no answer from https://h/?sig=…");
}

TEST(CancelScope, IsTheInnermostOfItsThreadAndItsHelpers) {
  EXPECT_FALSE(CancelScope::current().requested());
  const CancelToken outer, inner;
  inner.request();
  const CancelScope first(outer);
  {
    const CancelScope second(inner);
    std::vector<char> seen(64, 0);
    parallel_for(64, 2, [&](int64_t i, int) {
      seen[static_cast<size_t>(i)] = CancelScope::current().requested();
    });
    for (const char each : seen) EXPECT_TRUE(each);
  }
  EXPECT_FALSE(CancelScope::current().requested());
}

}  // namespace
}  // namespace lamella
