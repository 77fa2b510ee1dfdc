// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4, as Amazon's "Signature Version 4 signing process" defines it. libcurl
// has one of its own (CURLOPT_AWS_SIGV4), but Debian 12's (7.88) encodes paths a second time and
// signs no query in order, and cannot be held against the published examples, since it takes no
// time of ours.
#pragma once

#include <map>
#include <string>

namespace lamella::io {

struct AwsKeys {
  std::string access_key, secret_key;
  std::string session_token;  // "" for lasting keys
};

struct AwsRequest {
  std::string method = "GET";
  std::string path;   // encoded, begins with "/"
  std::string query;  // encoded and in order, without "?"
  // Those that are signed, names in lower case; "host" and "x-amz-date" are among them.
  std::map<std::string, std::string> headers;
  std::string payload_sha256;  // hex, or "UNSIGNED-PAYLOAD"
};

struct AwsScope {
  std::string region, service;
  std::string time;  // "20150830T123600Z"
};

std::string aws_canonical_request(const AwsRequest& request);
// The value of the header Authorization.
std::string aws_authorization(const AwsRequest& request, const AwsScope& scope,
                              const AwsKeys& keys);
// Now, as AwsScope::time.
std::string aws_time_now();

}  // namespace lamella::io
