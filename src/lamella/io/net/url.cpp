// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "lamella/base/error.h"

namespace lamella::io {

namespace {

// Takes what libcurl allocated.
std::string take(char* text, int length = -1) {
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  if (!text) return {};
  return length < 0 ? std::string(text) : std::string(text, static_cast<size_t>(length));
}

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  return curl_url_get(url, which, &text, 0) == CURLUE_OK ? take(text) : "";
}

}  // namespace

std::optional<Url> parse_url(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle(curl_url(), curl_url_cleanup);
  if (!handle) throw Error(ErrorCode::kInternal, "libcurl cannot be used");
  if (curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
      CURLUE_OK) {
    return {};
  }
  Url url;
  url.scheme = part(handle.get(), CURLUPART_SCHEME);
  url.host = part(handle.get(), CURLUPART_HOST);
  url.port = part(handle.get(), CURLUPART_PORT);
  url.path = part(handle.get(), CURLUPART_PATH);
  url.has_query = text.find_first_of("?#") != std::string::npos;
  return url;
}

std::string percent_encode(const std::string& text) {
  return take(curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())));
}

std::optional<WebAddress> parse_web_address(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle(curl_url(), curl_url_cleanup);
  if (!handle) throw Error(ErrorCode::kInternal, "libcurl cannot be used");
  if (curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_URLENCODE) != CURLUE_OK) {
    return {};
  }
  const std::string scheme = part(handle.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return {};
  WebAddress address;
  address.user = percent_decode(part(handle.get(), CURLUPART_USER));
  address.password = percent_decode(part(handle.get(), CURLUPART_PASSWORD));
  for (const CURLUPart each : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT}) {
    curl_url_set(handle.get(), each, nullptr, 0);
  }
  address.url = part(handle.get(), CURLUPART_URL);
  return address;
}

std::string percent_encode_path(const std::string& path) {
  std::string text;
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    text += percent_encode(path.substr(at, slash - at));
    if (slash < path.size()) text += '/';
    at = slash + 1;
  }
  return text;
}

std::string percent_decode(const std::string& text) {
  int length = 0;
  char* decoded = curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length);
  return take(decoded, length);
}

}  // namespace lamella::io
