// SPDX-License-Identifier: Apache-2.0
// az://container/blob and abfss://container@account.dfs.core.windows.net/blob, by Azure's REST
// interface of blobs.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <mutex>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/net/azure_account.h"
#include "lamella/io/net/stores_internal.h"
#include "lamella/io/net/token.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

constexpr const char* kVersion = "x-ms-version: 2021-08-06";
constexpr const char* kPlaces =
    "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_CLIENT_ID "
    "with AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE, the machine's managed identity";

std::string date_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(now));
}

// Of a service principal, a workload's identity, or the machine's.
std::optional<Token> find_token() {
  const std::string client = environment("AZURE_CLIENT_ID");
  const std::string tenant = environment("AZURE_TENANT_ID");
  const std::string secret = environment("AZURE_CLIENT_SECRET");
  const std::string file = environment("AZURE_FEDERATED_TOKEN_FILE");
  if (!client.empty() && !tenant.empty() && (!secret.empty() || !file.empty())) {
    std::string host = environment("AZURE_AUTHORITY_HOST");
    if (host.empty()) host = "https://login.microsoftonline.com";
    while (host.ends_with('/')) host.pop_back();
    std::string form =
        fmt::format("grant_type=client_credentials&client_id={}&scope={}", percent_encode(client),
                    percent_encode("https://storage.azure.com/.default"));
    if (!secret.empty()) {
      form += "&client_secret=" + percent_encode(secret);
    } else {
      form +=
          "&client_assertion_type=" +
          percent_encode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") +
          "&client_assertion=" + percent_encode(std::string(trim(read_text_file(file, 1 << 20))));
    }
    return post_for_token(host + "/" + percent_encode(tenant) + "/oauth2/v2.0/token", form,
                          secret.empty() ? "AZURE_FEDERATED_TOKEN_FILE" : "AZURE_CLIENT_SECRET");
  }
  std::string query =
      "api-version=2018-02-01&resource=" + percent_encode("https://storage.azure.com/");
  if (!client.empty()) query += "&client_id=" + percent_encode(client);
  return metadata_token("http://169.254.169.254/metadata/identity/oauth2/token?" + query,
                        {"Metadata: true"}, "the machine's managed identity");
}

TokenKeeper& tokens() {
  static TokenKeeper keeper(&find_token);
  return keeper;
}

class AzureStore final : public Store {
 public:
  explicit AzureStore(const std::string& address) : name_(address), account_(azure_account()) {
    std::tie(container_, blob_) = bucket_and_key(address);
    if (to_lower(address).starts_with("abfss")) take_account_of_address();
    if (account_.endpoint.empty() && account_.name.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "names no account; give it by AZURE_STORAGE_ACCOUNT or "
                  "AZURE_STORAGE_CONNECTION_STRING",
                  name_);
    }
    if (account_.endpoint.empty()) {
      account_.endpoint = fmt::format("https://{}.blob.core.windows.net", account_.name);
    }
    anonymous_ = to_lower(environment("AZURE_NO_SIGN_REQUEST")) == "yes";
  }

  const std::string& name() const override { return name_; }
  SignedRequest sign(const std::vector<std::string>& headers) override;
  bool learn(const StoreAnswer& answer) override;
  std::string explain(const StoreAnswer& answer) const override;

 private:
  // "container@account.dfs.core.windows.net"
  void take_account_of_address() {
    const size_t sign = container_.find('@');
    const std::string host = sign == std::string::npos ? "" : container_.substr(sign + 1);
    const std::string account = host.substr(0, host.find('.'));
    container_ = container_.substr(0, sign);
    if (container_.empty() || account.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "names no account; expected abfss://container@account.dfs.core.windows.net/blob",
                  name_);
    }
    if (account_.name == account) return;
    // Keys of another account would not do.
    std::string blob_host = host;
    if (const size_t dfs = blob_host.find(".dfs."); dfs != std::string::npos) {
      blob_host.replace(dfs, 5, ".blob.");
    }
    account_ = {account, "", account_.name.empty() ? account_.sas : "", "https://" + blob_host,
                account_.name.empty() ? account_.origin : ""};
  }

  std::string name_, container_, blob_;
  AzureAccount account_;
  bool anonymous_ = false;
  mutable std::mutex mutex_;
  std::string origin_;
  bool asked_again_ = false;
};

SignedRequest AzureStore::sign(const std::vector<std::string>& headers) {
  SignedRequest result{
      account_.endpoint + "/" + percent_encode(container_) + "/" + percent_encode_path(blob_),
      headers,
      {},
      {}};
  result.headers.push_back("x-ms-date: " + date_now());
  result.headers.emplace_back(kVersion);
  std::string origin;
  if (anonymous_) {
    origin = "";
  } else if (!account_.key.empty()) {
    const auto url = parse_url(result.url);
    if (!url) throw Error(ErrorCode::kInvalidArgument, "its endpoint is no web address", name_);
    result.headers.push_back("Authorization: " +
                             azure_authorization({url->path, {}, result.headers}, account_));
    origin = account_.origin;
  } else if (!account_.sas.empty()) {
    result.url += "?" + account_.sas;
    origin = account_.origin;
  } else if (const auto token = tokens().get()) {
    result.headers.push_back("Authorization: Bearer " + token->value);
    origin = token->origin;
  }
  const std::lock_guard lock(mutex_);
  origin_ = origin;
  return result;
}

bool AzureStore::learn(const StoreAnswer& answer) {
  const bool by_token = !anonymous_ && account_.key.empty() && account_.sas.empty();
  {
    const std::lock_guard lock(mutex_);
    if (answer.status != 401 || !by_token || asked_again_ || origin_.empty()) return false;
    asked_again_ = true;
  }
  tokens().get(true);
  return true;
}

std::string AzureStore::explain(const StoreAnswer& answer) const {
  const std::lock_guard lock(mutex_);
  const std::string code = xml_value(answer.body, "Code");
  if (code == "ContainerNotFound") return fmt::format("there is no container '{}'", container_);
  if (code == "BlobNotFound") return fmt::format("the container '{}' has no such blob", container_);
  if (answer.status != 401 && answer.status != 403 && answer.status != 404 &&
      answer.status != 409) {
    return {};
  }
  if (anonymous_) return "no credentials were sent, as AZURE_NO_SIGN_REQUEST says";
  if (origin_.empty()) return fmt::format("no credentials were found in {}", kPlaces);
  return "the credentials are those of " + origin_ +
         (account_.sas.empty() ? "" : "; has its time run out?");
}

}  // namespace

std::shared_ptr<Store> make_azure_store(const std::string& address) {
  return std::make_shared<AzureStore>(address);
}

}  // namespace lamella::io
