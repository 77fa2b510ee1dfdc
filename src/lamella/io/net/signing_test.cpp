// SPDX-License-Identifier: Apache-2.0
// Published examples: Amazon's test suite of Signature Version 4 and its page of S3's signatures,
// RFC 7515 for RS256.
#include <gtest/gtest.h>

#include "lamella/base/base64.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/net/aws_signature.h"
#include "lamella/io/net/azure_account.h"
#include "lamella/io/net/google_token.h"

namespace lamella::io {
namespace {

const AwsKeys kSuiteKeys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const AwsScope kSuiteScope = {"us-east-1", "service", "20150830T123600Z"};
const AwsKeys kS3Keys = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
const AwsScope kS3Scope = {"us-east-1", "s3", "20130524T000000Z"};

std::string signature(const AwsRequest& request, const AwsScope& scope, const AwsKeys& keys) {
  const std::string text = aws_authorization(request, scope, keys);
  return text.substr(text.rfind('=') + 1);
}

AwsRequest suite_request(const std::string& query) {
  return {"GET",
          "/",
          query,
          {{"host", "example.amazonaws.com"}, {"x-amz-date", kSuiteScope.time}},
          sha256_hex("")};
}

TEST(AwsSignature, IsThatOfTheSuite) {
  EXPECT_EQ(aws_authorization(suite_request(""), kSuiteScope, kSuiteKeys),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(signature(suite_request("Param1=value1&Param2=value2"), kSuiteScope, kSuiteKeys),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

AwsRequest s3_request(const std::string& path, const std::string& query) {
  return {"GET",
          path,
          query,
          {{"host", "examplebucket.s3.amazonaws.com"},
           {"x-amz-content-sha256", sha256_hex("")},
           {"x-amz-date", kS3Scope.time}},
          sha256_hex("")};
}

TEST(AwsSignature, IsThatOfS3sExamples) {
  AwsRequest object = s3_request("/test.txt", "");
  object.headers["range"] = "bytes=0-9";
  EXPECT_EQ(aws_canonical_request(object),
            "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
            "x-amz-content-sha256:"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
            "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(signature(object, kS3Scope, kS3Keys),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(signature(s3_request("/", "lifecycle="), kS3Scope, kS3Keys),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature(s3_request("/", "max-keys=2&prefix=J"), kS3Scope, kS3Keys),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(AzureSignature, SignsWhatMicrosoftSays) {
  const AzureRequest request = {
      "/box/a%20b.svs",
      {{"timeout", "20"}, {"comp", "metadata"}},
      {"Range: bytes=0-9", "If-Match: \"0x8\"", "x-ms-version: 2021-08-06",
       "x-ms-date: Fri, 27 Nov 2026 18:00:00 GMT"}};
  EXPECT_EQ(azure_string_to_sign(request, "account"),
            "GET\n\n\n\n\n\n\n\n\"0x8\"\n\n\nbytes=0-9\n"
            "x-ms-date:Fri, 27 Nov 2026 18:00:00 GMT\nx-ms-version:2021-08-06\n"
            "/account/box/a%20b.svs\ncomp:metadata\ntimeout:20");
  AzureAccount account{"account", base64("key"), "", "", "a test"};
  EXPECT_EQ(
      azure_authorization(request, account),
      "SharedKey account:" + base64(hmac_sha256("key", azure_string_to_sign(request, "account"))));
  account.key = "no Base64!";
  EXPECT_THROW(azure_authorization(request, account), Error);
}

TEST(AzureConnectionString, NamesAccountKeyAndPlace) {
  const AzureAccount account = parse_connection_string(
      "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5==;EndpointSuffix=core.cn");
  EXPECT_EQ(account.name, "a");
  EXPECT_EQ(account.key, "a2V5==");
  EXPECT_EQ(account.endpoint, "https://a.blob.core.cn");
  const AzureAccount own = parse_connection_string(
      "BlobEndpoint=http://127.0.0.1:1/b/;SharedAccessSignature=?sv=1&sig=2");
  EXPECT_EQ(own.endpoint, "http://127.0.0.1:1/b");
  EXPECT_EQ(own.sas, "sv=1&sig=2");
  EXPECT_EQ(parse_connection_string("UseDevelopmentStorage=true").name, "devstoreaccount1");
  EXPECT_THROW(parse_connection_string("nonsense"), Error);
}

// RFC 7515, A.2.
constexpr const char* kRfcKey =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0\n"
    "l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC\n"
    "gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX\n"
    "ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\n"
    "Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8\n"
    "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S\n"
    "bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf\n"
    "UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O\n"
    "n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK\n"
    "Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f\n"
    "40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\n"
    "bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE\n"
    "tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG\n"
    "BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE\n"
    "fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs\n"
    "p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD\n"
    "zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7\n"
    "DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4\n"
    "U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm\n"
    "27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN\n"
    "54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC\n"
    "Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S\n"
    "0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z\n"
    "NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE\n"
    "6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1\n"
    "-----END RSA PRIVATE KEY-----\n";

TEST(Rs256, IsThatOfRfc7515) {
  const std::string input =
      "eyJhbGciOiJSUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ";
  EXPECT_EQ(
      base64_url(rs256(kRfcKey, input)),
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
      "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
      "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
      "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
  EXPECT_THROW(rs256("no key", input), Error);
}

TEST(GoogleToken, IsAskedForByASignedClaim) {
  const std::string jwt = service_account_jwt("me@p", kRfcKey, "https://t/token", 1000);
  const size_t first = jwt.find('.'), second = jwt.rfind('.');
  EXPECT_EQ(jwt.substr(0, first), base64_url(R"({"alg":"RS256","typ":"JWT"})"));
  EXPECT_EQ(jwt.substr(first + 1, second - first - 1),
            base64_url(R"({"aud":"https://t/token","exp":4600,"iat":1000,"iss":"me@p",)"
                       R"("scope":"https://www.googleapis.com/auth/devstorage.read_only"})"));
  EXPECT_EQ(jwt.substr(second + 1), base64_url(rs256(kRfcKey, jwt.substr(0, second))));
}

}  // namespace
}  // namespace lamella::io
