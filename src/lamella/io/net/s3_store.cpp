// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <mutex>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/io/net/aws_credentials.h"
#include "lamella/io/net/stores_internal.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

std::string value_of(const ProfileValues& profile, const char* key) {
  const auto found = profile.find(key);
  return found == profile.end() ? std::string() : found->second;
}

std::string first_of(std::initializer_list<std::string> values) {
  for (const std::string& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

// Whether a bucket can be part of a host's name under one wildcard certificate.
bool is_host_label(const std::string& bucket) {
  return bucket.size() >= 3 && bucket.size() <= 63 && std::ranges::all_of(bucket, [](char c) {
           return std::islower(static_cast<unsigned char>(c)) != 0 ||
                  std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-';
         });
}

bool is_yes(const std::string& value) {
  const std::string word = to_lower(value);
  return word == "yes" || word == "true" || word == "1";
}

class S3Store final : public Store {
 public:
  explicit S3Store(const std::string& address) : name_(address) {
    std::tie(bucket_, key_) = bucket_and_key(address);
    const ProfileValues profile = aws_profile();
    endpoint_ = first_of({environment("AWS_ENDPOINT_URL_S3"), environment("AWS_ENDPOINT_URL"),
                          value_of(profile, "endpoint_url")});
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
    region_ = first_of({environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"),
                        value_of(profile, "region"), "us-east-1"});
    style_ = to_lower(
        first_of({environment("AWS_S3_ADDRESSING_STYLE"), value_of(profile, "addressing_style")}));
    anonymous_ = is_yes(environment("AWS_NO_SIGN_REQUEST"));
    requester_pays_ = !environment("AWS_REQUEST_PAYER").empty();
  }

  const std::string& name() const override { return name_; }
  SignedRequest sign(const std::vector<std::string>& headers) override;
  bool learn(const StoreAnswer& answer) override;
  std::string explain(const StoreAnswer& answer) const override;

 private:
  struct Place {
    std::string scheme, host, path;
  };
  Place place(const std::string& region) const;

  std::string name_, bucket_, key_, endpoint_, style_;
  bool anonymous_ = false, requester_pays_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::string region_;
  std::string origin_;  // of the credentials that were used last
  bool asked_again_ = false;
};

S3Store::Place S3Store::place(const std::string& region) const {
  const bool own = !endpoint_.empty();
  std::string base = own ? endpoint_ : fmt::format("https://s3.{}.amazonaws.com", region);
  const auto url = parse_url(base);
  if (!url) {
    throw Error(ErrorCode::kInvalidArgument,
                "AWS_ENDPOINT_URL is no web address; expected https://host:port", base);
  }
  Place place;
  place.scheme = url->scheme;
  place.host = url->host + (url->port.empty() ? "" : ":" + url->port);
  place.path = url->path == "/" ? "" : url->path;
  const bool as_host = style_ == "virtual" || (style_ != "path" && !own && is_host_label(bucket_));
  if (as_host) {
    place.host = bucket_ + "." + place.host;
  } else {
    place.path += "/" + percent_encode(bucket_);
  }
  place.path += "/" + percent_encode_path(key_);
  return place;
}

SignedRequest S3Store::sign(const std::vector<std::string>& headers) {
  const std::optional<AwsCredentials> found = anonymous_ ? std::nullopt : aws_credentials();
  const std::lock_guard lock(mutex_);
  const Place to = place(region_);
  SignedRequest result{to.scheme + "://" + to.host + to.path, headers, {}, {}};
  if (requester_pays_) result.headers.push_back("x-amz-request-payer: requester");
  origin_ = found ? found->origin : "";
  if (!found) return result;
  const AwsScope scope = {region_, "s3", aws_time_now()};
  result.headers.push_back("x-amz-date: " + scope.time);
  result.headers.push_back("x-amz-content-sha256: " + sha256_hex(""));
  if (!found->keys.session_token.empty()) {
    result.headers.push_back("x-amz-security-token: " + found->keys.session_token);
  }
  AwsRequest request{"GET", to.path, "", {{"host", to.host}}, sha256_hex("")};
  for (const std::string& header : result.headers) {
    const size_t colon = header.find(':');
    request.headers[to_lower(header.substr(0, colon))] =
        trim(std::string_view(header).substr(colon + 1));
  }
  result.headers.push_back("Authorization: " + aws_authorization(request, scope, found->keys));
  return result;
}

bool S3Store::learn(const StoreAnswer& answer) {
  const std::string code = xml_value(answer.body, "Code");
  const std::lock_guard lock(mutex_);
  std::string region = answer.region;
  if (region.empty()) region = xml_value(answer.body, "Region");
  const bool elsewhere = answer.status == 301 || answer.status == 307 || answer.status == 400;
  if (elsewhere && !region.empty() && region != region_) {
    region_ = region;
    return true;
  }
  const bool expired = code == "ExpiredToken" || code == "RequestExpired" || answer.status == 401;
  if (!expired || asked_again_ || origin_.empty()) return false;
  asked_again_ = true;
  aws_credentials(true);
  return true;
}

std::string S3Store::explain(const StoreAnswer& answer) const {
  const std::lock_guard lock(mutex_);
  const std::string code = xml_value(answer.body, "Code");
  if (code == "NoSuchBucket") return fmt::format("there is no bucket '{}'", bucket_);
  if (code == "NoSuchKey") return fmt::format("the bucket '{}' has no such key", bucket_);
  if (answer.status == 301 || answer.status == 307) {
    return fmt::format("the bucket is not in the region '{}'; name its own by AWS_REGION", region_);
  }
  if (answer.status != 401 && answer.status != 403 && answer.status != 400) return {};
  if (anonymous_) return "no credentials were sent, as AWS_NO_SIGN_REQUEST says";
  if (origin_.empty()) return "no credentials were found in " + aws_places();
  return "the credentials are those of " + origin_;
}

}  // namespace

std::pair<std::string, std::string> bucket_and_key(const std::string& address) {
  const size_t start = address.find("://") + 3;
  const size_t slash = address.find('/', start);
  const std::string bucket = address.substr(start, slash - start);
  const std::string key = slash == std::string::npos ? "" : address.substr(slash + 1);
  if (bucket.empty() || key.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "names no object; expected scheme://bucket/key, the key as it is, with no '%' codes",
        address);
  }
  return {bucket, key};
}

std::shared_ptr<Store> make_s3_store(const std::string& address) {
  return std::make_shared<S3Store>(address);
}

}  // namespace lamella::io
