// SPDX-License-Identifier: Apache-2.0
// Where Google's own tools look for credentials: GOOGLE_OAUTH_ACCESS_TOKEN, the file of
// GOOGLE_APPLICATION_CREDENTIALS, gcloud's default file, the machine's metadata service.
#pragma once

#include <optional>
#include <string>

#include "lamella/io/net/token.h"

namespace lamella::io {

// nullopt: there are none. Error kFormat, kIo, kUnsupported: a file that is named gives none.
std::optional<Token> find_google_token();

// The assertion (RFC 7523) of a service account's key file at that time. Error kFormat.
std::string service_account_jwt(const std::string& email, const std::string& pem_key,
                                const std::string& token_uri, int64_t now_s);

std::string google_places();

}  // namespace lamella::io
