// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/google_token.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"
#include "lamella/io/net/stores_internal.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

using Json = nlohmann::json;

Token from_service_account(const Json& json, const std::string& path) {
  const std::string uri = json.value("token_uri", "https://oauth2.googleapis.com/token");
  const std::string email = json.at("client_email").get<std::string>();
  const std::string jwt = service_account_jwt(email, json.at("private_key").get<std::string>(), uri,
                                              static_cast<int64_t>(unix_seconds()));
  const std::string grant = percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer");
  return post_for_token(uri, "grant_type=" + grant + "&assertion=" + jwt,
                        fmt::format("the service account {} of {}", email, path));
}

Token from_user(const Json& json, const std::string& path) {
  const auto value = [&](const char* key) {
    return percent_encode(json.at(key).get<std::string>());
  };
  return post_for_token(
      json.value("token_uri", "https://oauth2.googleapis.com/token"),
      fmt::format("grant_type=refresh_token&client_id={}&client_secret={}&"
                  "refresh_token={}",
                  value("client_id"), value("client_secret"), value("refresh_token")),
      "the user of " + path);
}

Token from_file(const std::string& path) {
  const Json json = parse_json_or_discard(read_text_file(path, int64_t{1} << 20));
  const std::string type = json.is_object() ? json.value("type", "") : "";
  try {
    if (type == "service_account") return from_service_account(json, path);
    if (type == "authorized_user") return from_user(json, path);
  } catch (const Json::exception&) {  // its text may hold the key
    throw Error(ErrorCode::kFormat, "lacks a value that Google's credentials of its type have",
                path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kFormat) throw;
    throw Error(ErrorCode::kFormat, "its private_key " + error.message(), path);
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("holds Google credentials of type '{}'; expected service_account or "
                          "authorized_user; else set GOOGLE_OAUTH_ACCESS_TOKEN to what 'gcloud "
                          "auth print-access-token' prints",
                          type),
              path);
}

}  // namespace

std::string service_account_jwt(const std::string& email, const std::string& pem_key,
                                const std::string& token_uri, int64_t now_s) {
  const Json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  const Json claims = {{"iss", email},
                       {"scope", "https://www.googleapis.com/auth/devstorage.read_only"},
                       {"aud", token_uri},
                       {"iat", now_s},
                       {"exp", now_s + 3600}};
  const std::string text = base64_url(header.dump()) + "." + base64_url(claims.dump());
  return text + "." + base64_url(rs256(pem_key, text));
}

std::string google_places() {
  return "GS_ACCESS_KEY_ID, GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS, gcloud's "
         "application_default_credentials.json, the machine's metadata service";
}

std::optional<Token> find_google_token() {
  const std::string given = environment("GOOGLE_OAUTH_ACCESS_TOKEN");
  if (!given.empty()) return Token{given, "GOOGLE_OAUTH_ACCESS_TOKEN", unix_seconds() + 1e9};
  const std::string named = environment("GOOGLE_APPLICATION_CREDENTIALS");
  if (!named.empty()) return from_file(named);
  std::string folder = environment("CLOUDSDK_CONFIG");
  if (folder.empty()) folder = environment("HOME") + "/.config/gcloud";
  const std::string standard = folder + "/application_default_credentials.json";
  if (exists(standard)) return from_file(standard);
  std::string host = environment("GCE_METADATA_HOST");
  if (host.empty()) host = "metadata.google.internal";
  return metadata_token(
      fmt::format("http://{}/computeMetadata/v1/instance/service-accounts/default/token", host),
      {"Metadata-Flavor: Google"}, "the machine's service account");
}

}  // namespace lamella::io
