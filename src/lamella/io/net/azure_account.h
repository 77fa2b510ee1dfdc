// SPDX-License-Identifier: Apache-2.0
// Who asks Azure's blob storage, and the signature of Microsoft's "Authorize with Shared Key".
#pragma once

#include <map>
#include <string>
#include <vector>

namespace lamella::io {

struct AzureAccount {
  std::string name, key;  // key: Base64; "" for none
  std::string sas;        // without "?"; "" for none
  std::string endpoint;   // of blobs; "" for https://NAME.blob.core.windows.net
  std::string origin;     // where key or signature came from
};

// Of AZURE_STORAGE_CONNECTION_STRING, else of AZURE_STORAGE_ACCOUNT, _KEY, _SAS_TOKEN and
// _SERVICE_ENDPOINT. Error kFormat: no connection string.
AzureAccount azure_account();
// "AccountName=…;AccountKey=…" or "UseDevelopmentStorage=true".
AzureAccount parse_connection_string(const std::string& text);

struct AzureRequest {
  std::string path;                               // of the URL, encoded
  std::map<std::string, std::string> query = {};  // decoded
  std::vector<std::string> headers;               // "Name: value"
};
std::string azure_string_to_sign(const AzureRequest& request, const std::string& account);
// The value of the header Authorization. Error kFormat if the key is no Base64.
std::string azure_authorization(const AzureRequest& request, const AzureAccount& account);

}  // namespace lamella::io
