// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/store.h"

#include <fmt/format.h>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/net/stores_internal.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

// A web server, perhaps with a password or a signature in the address.
class WebStore final : public Store {
 public:
  explicit WebStore(const std::string& address) : name_(without_credentials(address)) {
    const auto parsed = parse_web_address(address);
    if (!parsed) {
      throw Error(ErrorCode::kInvalidArgument,
                  "is no web address; expected https://host/path, with '%' and the codes of what "
                  "is none of letters, digits and -._~ in names",
                  name_);
    }
    address_ = *parsed;
  }

  const std::string& name() const override { return name_; }
  SignedRequest sign(const std::vector<std::string>& headers) override {
    return {address_.url, headers, address_.user, address_.password};
  }
  std::string explain(const StoreAnswer& answer) const override {
    if (answer.status != 401 && answer.status != 403) return {};
    if (!address_.user.empty() || !address_.password.empty()) {
      return "the user and password of the address were sent";
    }
    if (address_.url.find('?') != std::string::npos) {
      return "what stands behind '?' was sent; if it is a signature, has it expired?";
    }
    return "no credentials were sent, as the address holds none";
  }
  bool follows_redirects() const override { return true; }

 private:
  std::string name_;
  WebAddress address_;
};

}  // namespace

bool is_strong_etag(const std::string& etag) { return !etag.empty() && !etag.starts_with("W/"); }

std::string Store::condition(const StoreAnswer& first) const {
  if (is_strong_etag(first.etag)) return "If-Match: " + first.etag;
  if (!first.last_modified.empty()) return "If-Unmodified-Since: " + first.last_modified;
  return {};
}

std::string xml_value(const std::string& body, const std::string& tag) {
  const std::string open = "<" + tag + ">";
  const size_t start = body.find(open);
  if (start == std::string::npos) return {};
  const size_t from = start + open.size();
  const size_t end = body.find('<', from);
  return end == std::string::npos || end - from > 200 ? std::string()
                                                      : body.substr(from, end - from);
}

std::shared_ptr<Store> make_store(const std::string& address) {
  const std::string scheme = to_lower(address.substr(0, address.find("://")));
  if (scheme == "s3") return make_s3_store(address);
  if (scheme == "gs") return make_google_store(address);
  if (scheme == "az" || scheme == "abfss") return make_azure_store(address);
  if (scheme == "http" || scheme == "https") return std::make_shared<WebStore>(address);
  throw Error(ErrorCode::kUnsupported, "is an address of no store that is known", address);
}

}  // namespace lamella::io
