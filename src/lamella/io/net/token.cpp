// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/token.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <chrono>
#include <memory>

#include "lamella/base/base64.h"
#include "lamella/base/cancel_scope.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"
#include "lamella/io/net/http_client.h"

namespace lamella::io {

namespace {

using Json = nlohmann::json;

constexpr double kMarginS = 300;

std::optional<Token> token_of(const std::string& body, const std::string& origin) {
  const Json json = parse_json_or_discard(body);
  if (!json.is_object()) return {};
  const auto value = json.find("access_token");
  if (value == json.end() || !value->is_string()) return {};
  Token token{value->get<std::string>(), origin, unix_seconds() + 3000};
  const auto lasts = json.find("expires_in");  // Azure gives a text
  if (lasts != json.end() && lasts->is_number()) {
    token.expires_s = unix_seconds() + lasts->get<double>();
  }
  return token;
}

}  // namespace

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::optional<Token> TokenKeeper::get(bool again) {
  const std::lock_guard lock(mutex_);
  const bool ends = token_ && unix_seconds() > token_->expires_s - kMarginS;
  if (looked_ && !ends && !again) return token_;
  token_ = find_();
  looked_ = true;
  return token_;
}

Token post_for_token(const std::string& url, const std::string& form, const std::string& origin) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.content_type = "application/x-www-form-urlencoded";
  request.body = form;
  HttpOptions options;
  options.timeout_s = 20;
  options.ca_file = environment_ca_file();
  const HttpResponse response = HttpClient(options, CancelScope::current()).send(request);
  if (auto token = response.status == 200 ? token_of(response.body, origin) : std::nullopt) {
    return *token;
  }
  const Json json = parse_json_or_discard(response.body);
  const std::string said = json.is_object() ? json_excerpt(json.value("error", Json()), 100) : "";
  throw Error(ErrorCode::kIo,
              fmt::format("no token was given for {}: the token service answered {} {}", origin,
                          response.status, said),
              url);
}

HttpOptions metadata_options() {
  HttpOptions options;
  options.connect_timeout_s = 1;
  options.timeout_s = 2;
  options.max_retries = 1;
  options.backoff_s = 0.1;
  options.direct = true;
  return options;
}

std::optional<Token> metadata_token(const std::string& url, const std::vector<std::string>& headers,
                                    const std::string& origin) {
  HttpRequest request;
  request.url = url;
  request.headers = headers;
  try {
    const HttpResponse response =
        HttpClient(metadata_options(), CancelScope::current()).send(request);
    return response.status == 200 ? token_of(response.body, origin) : std::nullopt;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    return {};
  }
}

std::string base64_url(const std::string& bytes) {
  std::string text = base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string rs256(const std::string& pem_key, const std::string& bytes) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(pem_key.data(), static_cast<int>(pem_key.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  size_t length = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, data, bytes.size()) != 1) {
    throw Error(ErrorCode::kFormat, "is no RSA private key in PEM");
  }
  std::string signature(length, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, data,
                 bytes.size());
  signature.resize(length);
  return signature;
}

}  // namespace lamella::io
