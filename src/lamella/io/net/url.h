// SPDX-License-Identifier: Apache-2.0
// Addresses, by libcurl's rules.
#pragma once

#include <optional>
#include <string>

namespace lamella::io {

struct Url {
  std::string scheme;  // lower case
  std::string host;
  std::string port;  // "" if none is named
  std::string path;  // percent codes as they are
  bool has_query = false;
};

// nullopt: no absolute address.
std::optional<Url> parse_url(const std::string& text);

// A web address and what it says of who asks.
struct WebAddress {
  std::string url;  // without user, password and fragment; what must be encoded is
  std::string user, password;
};
// nullopt: no address of http or https.
std::optional<WebAddress> parse_web_address(const std::string& text);

std::string percent_encode(const std::string& text);
// What is no percent code stays.
// As percent_encode, but for "/", which parts a path.
std::string percent_encode_path(const std::string& path);
std::string percent_decode(const std::string& text);

}  // namespace lamella::io
