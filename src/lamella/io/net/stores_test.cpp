// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "lamella/base/error.h"
#include "lamella/io/address.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/io/net/aws_credentials.h"
#include "lamella/io/net/store.h"
#include "lamella/io/net/url.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::io {
namespace {

TEST(Address, IsNoPath) {
  for (const char* address : {"s3://b/k", "gs://b/k", "az://c/b", "abfss://c@a.dfs.x/b",
                              "https://h/x", "http://h/x", "S3://b/k"}) {
    EXPECT_TRUE(is_address(address)) << address;
  }
  for (const char* path : {"a.svs", "/a/b", "s3:/b/k", "file://x", "./http://x"}) {
    EXPECT_FALSE(is_address(path)) << path;
  }
  EXPECT_EQ(resolve("/study", "s3://b/../k"), "s3://b/../k");
  EXPECT_EQ(stem("s3://b/f/a b#c?d%e.svs"), "a b#c?d%e");
  EXPECT_EQ(stem("https://h/f/a%20b.c.svs?sig=s/x.y"), "a b.c");
}

TEST(Address, IsRefusedWhereFilesAreMeant) {
  EXPECT_THROW(make_folders("s3://b/out"), Error);
  EXPECT_THROW(write_file_atomic("gs://b/out.txt", "x"), Error);
  EXPECT_THROW(open_file("s3://b/k"), Error);
  try {
    open_source("s3:/b/k");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("lost a '/'"), std::string::npos) << error.what();
  }
}

TEST(WebAddress, PartsFromItsPassword) {
  const auto address = parse_web_address("https://me%40x:pa%20ss@h:1/a b/\u00e9?q=1#top");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->url, "https://h:1/a%20b/%c3%a9?q=1");
  EXPECT_EQ(address->user, "me@x");
  EXPECT_EQ(address->password, "pa ss");
  for (const char* wrong : {"ftp://h/x", "https://", "x"}) {
    EXPECT_FALSE(parse_web_address(wrong)) << wrong;
  }
  EXPECT_EQ(percent_encode_path("a b/c#d/"), "a%20b/c%23d/");
}

TEST(Etag, WeakOnesNameNoBytes) {
  EXPECT_TRUE(is_strong_etag("\"a\""));
  EXPECT_FALSE(is_strong_etag("W/\"a\""));
  EXPECT_FALSE(is_strong_etag(""));
  EXPECT_EQ(xml_value("<Error><Code>NoSuchKey</Code></Error>", "Code"), "NoSuchKey");
  EXPECT_EQ(xml_value("<Code>", "Code"), "");
}

// Variables of the environment for one test.
class Environment : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) ::unsetenv(name);
    set("HOME", folder_.path());
    set("AWS_EC2_METADATA_DISABLED", "true");
  }
  void TearDown() override { SetUp(); }
  void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    write_file_atomic(path, text);
    return path;
  }
  std::string header(const SignedRequest& request, const std::string& name) {
    for (const std::string& each : request.headers) {
      if (each.starts_with(name + ": ")) return each.substr(name.size() + 2);
    }
    return "";
  }
  static constexpr const char* kNames[] = {"AWS_ACCESS_KEY_ID",
                                           "AWS_SECRET_ACCESS_KEY",
                                           "AWS_SESSION_TOKEN",
                                           "AWS_PROFILE",
                                           "AWS_SHARED_CREDENTIALS_FILE",
                                           "AWS_CONFIG_FILE",
                                           "AWS_REGION",
                                           "AWS_DEFAULT_REGION",
                                           "AWS_ENDPOINT_URL",
                                           "AWS_ENDPOINT_URL_S3",
                                           "AWS_NO_SIGN_REQUEST",
                                           "AWS_REQUEST_PAYER",
                                           "AWS_S3_ADDRESSING_STYLE",
                                           "AWS_WEB_IDENTITY_TOKEN_FILE",
                                           "AWS_ROLE_ARN",
                                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                           "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                           "AZURE_STORAGE_CONNECTION_STRING",
                                           "AZURE_STORAGE_ACCOUNT",
                                           "AZURE_STORAGE_KEY",
                                           "AZURE_STORAGE_SAS_TOKEN",
                                           "STORAGE_EMULATOR_HOST",
                                           "GS_ACCESS_KEY_ID",
                                           "GS_SECRET_ACCESS_KEY"};
  test::TemporaryFolder folder_;
};

TEST_F(Environment, ComesBeforeProfiles) {
  EXPECT_FALSE(find_aws_credentials());
  write(".aws/credentials",
        "[default]\naws_access_key_id = A\naws_secret_access_key=B\n"
        "[other]\naws_access_key_id = C\naws_secret_access_key = D=\n");
  write(".aws/config", "[profile other]\nregion = eu-west-3\ns3 =\n  addressing_style = path\n");
  EXPECT_EQ(find_aws_credentials()->keys.access_key, "A");
  set("AWS_PROFILE", "other");
  EXPECT_EQ(find_aws_credentials()->keys.secret_key, "D=");
  EXPECT_EQ(find_aws_credentials()->origin, "the profile 'other' of AWS's files");
  EXPECT_EQ(aws_profile()["region"], "eu-west-3");
  EXPECT_EQ(aws_profile()["addressing_style"], "path");
  set("AWS_ACCESS_KEY_ID", "E");
  set("AWS_SECRET_ACCESS_KEY", "F");
  set("AWS_SESSION_TOKEN", "G");
  EXPECT_EQ(find_aws_credentials()->keys.session_token, "G");
}

TEST_F(Environment, NamesAProfileThatIsNotThereOrNotOurs) {
  set("AWS_PROFILE", "gone");
  EXPECT_THROW(find_aws_credentials(), Error);
  write(".aws/config", "[profile gone]\nsso_session = x\n");
  try {
    find_aws_credentials();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("export-credentials"), std::string::npos);
  }
}

TEST_F(Environment, SaysHowABucketIsAddressed) {
  set("AWS_NO_SIGN_REQUEST", "YES");
  set("AWS_REGION", "eu-central-1");
  const auto url = [](const std::string& address) { return make_store(address)->sign({}).url; };
  EXPECT_EQ(url("s3://bucket/a b#c?d%e/\u00e9.svs"),
            "https://bucket.s3.eu-central-1.amazonaws.com/a%20b%23c%3Fd%25e/%C3%A9.svs");
  // No certificate is for two levels below.
  EXPECT_EQ(url("s3://a.bucket/k"), "https://s3.eu-central-1.amazonaws.com/a.bucket/k");
  set("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/");
  EXPECT_EQ(url("s3://bucket/k"), "http://127.0.0.1:9000/bucket/k");
  set("AWS_S3_ADDRESSING_STYLE", "virtual");
  EXPECT_EQ(url("s3://bucket/k"), "http://bucket.127.0.0.1:9000/k");
  set("AWS_REQUEST_PAYER", "requester");
  EXPECT_EQ(header(make_store("s3://bucket/k")->sign({}), "x-amz-request-payer"), "requester");
  EXPECT_THROW(make_store("s3://bucket"), Error);
  EXPECT_THROW(make_store("s3:///key"), Error);
}

TEST_F(Environment, FollowsABucketToItsRegion) {
  set("AWS_NO_SIGN_REQUEST", "YES");
  const auto store = make_store("s3://bucket/k");
  StoreAnswer answer;
  answer.status = 301;
  EXPECT_FALSE(store->learn(answer));
  EXPECT_NE(store->explain(answer).find("AWS_REGION"), std::string::npos);
  answer.region = "ap-south-1";
  EXPECT_TRUE(store->learn(answer));
  EXPECT_EQ(store->sign({}).url, "https://bucket.s3.ap-south-1.amazonaws.com/k");
  EXPECT_FALSE(store->learn(answer));
}

TEST_F(Environment, SaysWhereAzuresBlobsAre) {
  EXPECT_THROW(make_store("az://box/b"), Error);
  set("AZURE_STORAGE_ACCOUNT", "me");
  set("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=secret");
  const auto store = make_store("az://box/a b.svs");
  EXPECT_EQ(store->sign({}).url, "https://me.blob.core.windows.net/box/a%20b.svs?sv=1&sig=secret");
  EXPECT_EQ(store->name(), "az://box/a b.svs");
  EXPECT_EQ(make_store("abfss://box@me.dfs.core.windows.net/k")->sign({}).url,
            "https://me.blob.core.windows.net/box/k?sv=1&sig=secret");
  EXPECT_THROW(make_store("abfss://box/k"), Error);
}

TEST_F(Environment, SaysWhereGooglesObjectsAre) {
  set("STORAGE_EMULATOR_HOST", "127.0.0.1:1");
  const auto store = make_store("gs://b/f/a b.svs");
  EXPECT_EQ(store->sign({"x-goog-if-generation-match: 7", "Range: bytes=0-1"}).url,
            "http://127.0.0.1:1/storage/v1/b/b/o/f%2Fa%20b.svs?alt=media&ifGenerationMatch=7");
  StoreAnswer answer;
  answer.generation = "7";
  EXPECT_EQ(store->condition(answer), "x-goog-if-generation-match: 7");
  set("GS_ACCESS_KEY_ID", "A");
  set("GS_SECRET_ACCESS_KEY", "B");
  const SignedRequest by_keys = make_store("gs://b/f/k")->sign({});
  EXPECT_EQ(by_keys.url, "http://127.0.0.1:1/b/f/k");
  EXPECT_NE(header(by_keys, "Authorization").find("/auto/s3/aws4_request"), std::string::npos);
}

TEST(ParseUtc, IsSecondsSince1970) {
  EXPECT_EQ(parse_utc("1970-01-02T00:00:01Z"), 86401);
  EXPECT_EQ(parse_utc("1970-01-01T00:00:01.5Z"), 1);
  EXPECT_FALSE(parse_utc(""));
  EXPECT_FALSE(parse_utc("soon"));
}

}  // namespace
}  // namespace lamella::io
