// SPDX-License-Identifier: Apache-2.0
// gs://bucket/key: by Google's JSON interface with an OAuth token, or by its XML interface with
// keys for interoperability, which sign as Amazon's do.
#include <fmt/format.h>

#include <mutex>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/net/aws_signature.h"
#include "lamella/io/net/google_token.h"
#include "lamella/io/net/stores_internal.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

constexpr const char* kGenerationIs = "x-goog-if-generation-match: ";

TokenKeeper& tokens() {
  static TokenKeeper keeper(&find_google_token);
  return keeper;
}

class GoogleStore final : public Store {
 public:
  explicit GoogleStore(const std::string& address) : name_(address) {
    std::tie(bucket_, key_) = bucket_and_key(address);
    endpoint_ = environment("STORAGE_EMULATOR_HOST");
    anonymous_ = !endpoint_.empty() || to_lower(environment("GS_NO_SIGN_REQUEST")) == "yes";
    if (endpoint_.empty())
      endpoint_ = environment("LAMELLA_GOOGLE_ENDPOINT");  // Private Google Access
    if (endpoint_.empty()) endpoint_ = "https://storage.googleapis.com";
    if (endpoint_.find("://") == std::string::npos) endpoint_.insert(0, "http://");
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
    keys_ = {environment("GS_ACCESS_KEY_ID"), environment("GS_SECRET_ACCESS_KEY"), {}};
    interoperable_ = !keys_.access_key.empty() && !keys_.secret_key.empty();
    project_ = environment("GS_USER_PROJECT");
  }

  const std::string& name() const override { return name_; }
  SignedRequest sign(const std::vector<std::string>& headers) override {
    return interoperable_ ? sign_by_keys(headers) : sign_by_token(headers);
  }
  bool learn(const StoreAnswer& answer) override;
  std::string explain(const StoreAnswer& answer) const override;
  std::string condition(const StoreAnswer& first) const override {
    if (!interoperable_ && !first.generation.empty()) return kGenerationIs + first.generation;
    return Store::condition(first);
  }

 private:
  SignedRequest sign_by_keys(const std::vector<std::string>& headers);
  SignedRequest sign_by_token(const std::vector<std::string>& headers);

  std::string name_, bucket_, key_, endpoint_, project_;
  bool anonymous_ = false, interoperable_ = false;
  AwsKeys keys_;
  mutable std::mutex mutex_;
  std::string origin_;
  bool asked_again_ = false;
};

SignedRequest GoogleStore::sign_by_keys(const std::vector<std::string>& headers) {
  const auto url = parse_url(endpoint_);
  if (!url) throw Error(ErrorCode::kInvalidArgument, "is no web address", endpoint_);
  const std::string host = url->host + (url->port.empty() ? "" : ":" + url->port);
  const std::string path = "/" + percent_encode(bucket_) + "/" + percent_encode_path(key_);
  SignedRequest result{endpoint_ + path, headers, {}, {}};
  const AwsScope scope = {"auto", "s3", aws_time_now()};
  result.headers.push_back("x-amz-date: " + scope.time);
  result.headers.push_back("x-amz-content-sha256: " + sha256_hex(""));
  AwsRequest request{"GET", path, "", {{"host", host}}, sha256_hex("")};
  for (const std::string& header : result.headers) {
    const size_t colon = header.find(':');
    request.headers[to_lower(header.substr(0, colon))] =
        trim(std::string_view(header).substr(colon + 1));
  }
  result.headers.push_back("Authorization: " + aws_authorization(request, scope, keys_));
  const std::lock_guard lock(mutex_);
  origin_ = "the environment (GS_ACCESS_KEY_ID)";
  return result;
}

SignedRequest GoogleStore::sign_by_token(const std::vector<std::string>& headers) {
  const auto token = anonymous_ ? std::nullopt : tokens().get();
  SignedRequest result;
  result.url = fmt::format("{}/storage/v1/b/{}/o/{}?alt=media", endpoint_, percent_encode(bucket_),
                           percent_encode(key_));
  for (const std::string& header : headers) {
    if (header.starts_with(kGenerationIs)) {
      result.url += "&ifGenerationMatch=" + header.substr(std::string(kGenerationIs).size());
    } else {
      result.headers.push_back(header);
    }
  }
  if (!project_.empty()) result.url += "&userProject=" + percent_encode(project_);
  if (token) result.headers.push_back("Authorization: Bearer " + token->value);
  const std::lock_guard lock(mutex_);
  origin_ = token ? token->origin : "";
  return result;
}

bool GoogleStore::learn(const StoreAnswer& answer) {
  {
    const std::lock_guard lock(mutex_);
    if (answer.status != 401 || interoperable_ || asked_again_ || origin_.empty()) return false;
    asked_again_ = true;
  }
  tokens().get(true);
  return true;
}

std::string GoogleStore::explain(const StoreAnswer& answer) const {
  const std::lock_guard lock(mutex_);
  if (answer.status == 404) return fmt::format("no such object, or no bucket '{}'", bucket_);
  if (answer.status != 401 && answer.status != 403) return {};
  if (anonymous_) return "no credentials were sent, as GS_NO_SIGN_REQUEST or the emulator asks";
  if (origin_.empty()) return "no credentials were found in " + google_places();
  return "the credentials are those of " + origin_;
}

}  // namespace

std::shared_ptr<Store> make_google_store(const std::string& address) {
  return std::make_shared<GoogleStore>(address);
}

}  // namespace lamella::io
