// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/aws_signature.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "lamella/base/hash.h"

namespace lamella::io {

namespace {

std::string signed_names(const AwsRequest& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

}  // namespace

std::string aws_canonical_request(const AwsRequest& request) {
  std::string text = fmt::format("{}\n{}\n{}\n", request.method, request.path, request.query);
  for (const auto& [name, value] : request.headers) text += fmt::format("{}:{}\n", name, value);
  return text + fmt::format("\n{}\n{}", signed_names(request), request.payload_sha256);
}

std::string aws_authorization(const AwsRequest& request, const AwsScope& scope,
                              const AwsKeys& keys) {
  const std::string date = scope.time.substr(0, 8);
  const std::string place = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", scope.time, place,
                                          sha256_hex(aws_canonical_request(request)));
  std::string key = hmac_sha256("AWS4" + keys.secret_key, date);
  for (const std::string& part : {scope.region, scope.service, std::string("aws4_request")}) {
    key = hmac_sha256(key, part);
  }
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                     keys.access_key, place, signed_names(request),
                     hex_digits(hmac_sha256(key, to_sign)));
}

std::string aws_time_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(now));
}

}  // namespace lamella::io
