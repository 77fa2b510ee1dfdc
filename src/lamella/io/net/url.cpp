// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/url.h"

#include <curl/curl.h>

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

std::string percent_decode(const std::string& text) {
  int length = 0;
  char* decoded = curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length);
  return take(decoded, length);
}

}  // namespace lamella::io
