// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/azure_account.h"

#include <fmt/format.h>

#include <array>

#include "lamella/base/base64.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/io/net/stores_internal.h"

namespace lamella::io {

namespace {

// Of Microsoft's emulators, the same for everybody.
constexpr const char* kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

std::string without_mark(std::string sas) {
  if (sas.starts_with('?')) sas.erase(0, 1);
  return sas;
}

}  // namespace

AzureAccount parse_connection_string(const std::string& text) {
  std::map<std::string, std::string> values;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(';', at), text.size());
    const std::string pair = text.substr(at, end - at);
    const size_t equals = pair.find('=');
    if (equals != std::string::npos) {
      values[to_lower(trim(std::string_view(pair).substr(0, equals)))] =
          trim(std::string_view(pair).substr(equals + 1));
    }
    at = end + 1;
  }
  AzureAccount account;
  account.origin = "AZURE_STORAGE_CONNECTION_STRING";
  if (to_lower(values["usedevelopmentstorage"]) == "true") {
    account.name = "devstoreaccount1";
    account.key = kEmulatorKey;
    account.endpoint = "http://127.0.0.1:10000/devstoreaccount1";
    return account;
  }
  account.name = values["accountname"];
  account.key = values["accountkey"];
  account.sas = without_mark(values["sharedaccesssignature"]);
  account.endpoint = values["blobendpoint"];
  while (account.endpoint.ends_with('/')) account.endpoint.pop_back();
  if (account.endpoint.empty() && !account.name.empty()) {
    const std::string suffix = values["endpointsuffix"],
                      scheme = values["defaultendpointsprotocol"];
    account.endpoint = fmt::format("{}://{}.blob.{}", scheme.empty() ? "https" : scheme,
                                   account.name, suffix.empty() ? "core.windows.net" : suffix);
  }
  if (account.endpoint.empty()) {
    throw Error(ErrorCode::kFormat,
                "AZURE_STORAGE_CONNECTION_STRING names neither AccountName nor BlobEndpoint");
  }
  return account;
}

AzureAccount azure_account() {
  const std::string connection = environment("AZURE_STORAGE_CONNECTION_STRING");
  if (!connection.empty()) return parse_connection_string(connection);
  AzureAccount account;
  account.name = environment("AZURE_STORAGE_ACCOUNT");
  account.key = environment("AZURE_STORAGE_KEY");
  account.sas = without_mark(environment("AZURE_STORAGE_SAS_TOKEN"));
  account.endpoint = environment("AZURE_STORAGE_SERVICE_ENDPOINT");
  while (account.endpoint.ends_with('/')) account.endpoint.pop_back();
  if (!account.key.empty()) account.origin = "AZURE_STORAGE_KEY";
  if (!account.sas.empty()) account.origin = "AZURE_STORAGE_SAS_TOKEN";
  return account;
}

std::string azure_string_to_sign(const AzureRequest& request, const std::string& account) {
  std::map<std::string, std::string> headers;
  for (const std::string& header : request.headers) {
    const size_t colon = header.find(':');
    headers[to_lower(header.substr(0, colon))] = trim(std::string_view(header).substr(colon + 1));
  }
  std::string text = "GET\n";
  for (const char* name :
       {"content-encoding", "content-language", "content-length", "content-md5", "content-type",
        "date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"}) {
    const auto found = headers.find(name);
    text += (found == headers.end() ? "" : found->second) + "\n";
  }
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) text += fmt::format("{}:{}\n", name, value);
  }
  text += "/" + account + request.path;
  for (const auto& [name, value] : request.query)
    text += fmt::format("\n{}:{}", to_lower(name), value);
  return text;
}

std::string azure_authorization(const AzureRequest& request, const AzureAccount& account) {
  const auto key = from_base64(account.key);
  if (!key) {
    throw Error(ErrorCode::kFormat,
                fmt::format("the account key of {} is no Base64", account.origin));
  }
  return fmt::format("SharedKey {}:{}", account.name,
                     base64(hmac_sha256(*key, azure_string_to_sign(request, account.name))));
}

}  // namespace lamella::io
