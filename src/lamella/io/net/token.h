// SPDX-License-Identifier: Apache-2.0
// Bearer tokens of OAuth 2, as Azure and Google give them.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lamella/io/net/http_client.h"

namespace lamella::io {

struct Token {
  std::string value;
  std::string origin;    // "the service account of key.json"
  double expires_s = 0;  // Unix time
};

// Kept until shortly before its end.
class TokenKeeper {
 public:
  using Find = std::function<std::optional<Token>()>;
  explicit TokenKeeper(Find find) : find_(std::move(find)) {}
  // nullopt: there is none. `again`: a server took the last for expired. Errors as `find`.
  std::optional<Token> get(bool again = false);

 private:
  Find find_;
  std::mutex mutex_;
  bool looked_ = false;
  std::optional<Token> token_;
};

// Seconds since 1970.
double unix_seconds();

// What a token service answers to a form ("grant_type=…"). Error kIo, naming `origin`, if it gives
// no token; its words are told, ours are not.
Token post_for_token(const std::string& url, const std::string& form, const std::string& origin);

// For a machine's own service, which answers at once or is not there.
HttpOptions metadata_options();

// A token of a machine's own metadata service, which is there or not: nullopt.
std::optional<Token> metadata_token(const std::string& url, const std::vector<std::string>& headers,
                                    const std::string& origin);

// RFC 7515's encoding without "=".
std::string base64_url(const std::string& bytes);
// RSASSA-PKCS1-v1_5 with SHA-256 (RS256) by a private key in PEM. Error kFormat if it is none.
std::string rs256(const std::string& pem_key, const std::string& bytes);

}  // namespace lamella::io
