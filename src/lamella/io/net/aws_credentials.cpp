// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/aws_credentials.h"

#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <mutex>

#include "lamella/base/cancel_scope.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/net/http_client.h"
#include "lamella/io/net/stores_internal.h"
#include "lamella/io/net/token.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

using Json = nlohmann::json;

// Before their end by so much they are looked up again.
constexpr double kMarginS = 300;

std::optional<AwsCredentials> from_environment() {
  const std::string id = environment("AWS_ACCESS_KEY_ID");
  const std::string secret = environment("AWS_SECRET_ACCESS_KEY");
  if (id.empty() || secret.empty()) return {};
  return AwsCredentials{
      {id, secret, environment("AWS_SESSION_TOKEN")}, "the environment (AWS_ACCESS_KEY_ID)", {}};
}

std::optional<AwsCredentials> from_json(const std::string& body, const std::string& origin) {
  try {
    const Json json = parse_json(body);
    if (!json.contains("AccessKeyId") || !json.contains("SecretAccessKey")) return {};
    AwsCredentials found;
    found.keys = {json.at("AccessKeyId").get<std::string>(),
                  json.at("SecretAccessKey").get<std::string>(), json.value("Token", "")};
    found.origin = origin;
    found.expires_s = parse_utc(json.value("Expiration", ""));
    return found;
  } catch (const std::exception&) {  // said by the caller, without the body: it may hold a secret
    return {};
  }
}

// AssumeRoleWithWebIdentity of the security token service, which needs no signature.
AwsCredentials from_web_identity(const std::string& token_file, const std::string& role,
                                 const std::string& region) {
  const std::string origin = fmt::format("web identity (role {}, token in {})", role, token_file);
  const std::string token(trim(read_text_file(token_file, 1 << 20)));
  std::string session = environment("AWS_ROLE_SESSION_NAME");
  if (session.empty()) session = "lamella";
  std::string endpoint = environment("AWS_ENDPOINT_URL_STS");
  if (endpoint.empty()) endpoint = environment("AWS_ENDPOINT_URL");
  if (endpoint.empty()) endpoint = fmt::format("https://sts.{}.amazonaws.com", region);
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint + "/";
  request.content_type = "application/x-www-form-urlencoded";
  request.body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&"
      "WebIdentityToken={}",
      percent_encode(role), percent_encode(session), percent_encode(token));
  HttpOptions options;
  options.timeout_s = 20;
  options.ca_file = environment_ca_file();
  const HttpResponse response = HttpClient(options, CancelScope::current()).send(request);
  AwsCredentials found;
  found.keys = {xml_value(response.body, "AccessKeyId"), {}, {}};
  // Session tokens are longer than what a message may hold.
  const auto value = [&](const std::string& tag) {
    const size_t start = response.body.find("<" + tag + ">");
    if (start == std::string::npos) return std::string();
    const size_t from = start + tag.size() + 2;
    return response.body.substr(from, response.body.find('<', from) - from);
  };
  found.keys.secret_key = value("SecretAccessKey");
  found.keys.session_token = value("SessionToken");
  found.expires_s = parse_utc(value("Expiration"));
  found.origin = origin;
  if (response.status != 200 || found.keys.access_key.empty() || found.keys.secret_key.empty()) {
    throw Error(ErrorCode::kIo, fmt::format("credentials were not given by {}: {} {}", origin,
                                            response.status, xml_value(response.body, "Code")));
  }
  return found;
}

std::string region_of(const ProfileValues& profile) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (std::string region = environment(name); !region.empty()) return region;
  }
  const auto found = profile.find("region");
  return found == profile.end() ? "us-east-1" : found->second;
}

std::optional<AwsCredentials> from_profile() {
  const ProfileValues profile = aws_profile();
  const auto value = [&](const char* key) {
    const auto found = profile.find(key);
    return found == profile.end() ? std::string() : found->second;
  };
  const std::string name = aws_profile_name();
  if (!value("aws_access_key_id").empty() && !value("aws_secret_access_key").empty()) {
    return AwsCredentials{
        {value("aws_access_key_id"), value("aws_secret_access_key"), value("aws_session_token")},
        fmt::format("the profile '{}' of AWS's files", name),
        {}};
  }
  if (!value("web_identity_token_file").empty() && !value("role_arn").empty()) {
    return from_web_identity(value("web_identity_token_file"), value("role_arn"),
                             region_of(profile));
  }
  for (const char* key : {"role_arn", "sso_session", "sso_start_url", "credential_process"}) {
    if (value(key).empty()) continue;
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("the AWS profile '{}' takes its credentials by {}, which only Amazon's "
                    "own tools do; put them into the environment: "
                    "eval \"$(aws configure export-credentials --profile {} --format env)\"",
                    name, key, name));
  }
  if (profile.empty() && !environment("AWS_PROFILE").empty()) {
    throw Error(
        ErrorCode::kNotFound,
        fmt::format("AWS_PROFILE names the profile '{}', which stands in none of AWS's files",
                    name));
  }
  return {};
}

std::optional<AwsCredentials> from_container() {
  const std::string relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string url = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative.empty()) url = "http://169.254.170.2" + relative;
  if (url.empty()) return {};
  std::string token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const std::string file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) token = trim(read_text_file(file, 1 << 20));
  HttpRequest request;
  request.url = url;
  if (!token.empty()) request.headers.push_back("Authorization: " + token);
  const HttpResponse response =
      HttpClient(metadata_options(), CancelScope::current()).send(request);
  auto found = from_json(response.body, "the container's credentials service");
  if (response.status == 200 && found) return found;
  throw Error(ErrorCode::kIo,
              fmt::format("the container's credentials service answered {} and no "
                          "credentials",
                          response.status),
              url);
}

std::optional<AwsCredentials> from_instance() {
  if (to_lower(environment("AWS_EC2_METADATA_DISABLED")) == "true") return {};
  std::string base = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (base.empty()) base = "http://169.254.169.254";
  while (base.ends_with('/')) base.pop_back();
  try {
    HttpClient client(metadata_options(), CancelScope::current());
    HttpRequest request;
    request.method = "PUT";
    request.url = base + "/latest/api/token";
    request.headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"};
    const HttpResponse token = client.send(request);
    if (token.status != 200) return {};
    request = {};
    request.headers = {"X-aws-ec2-metadata-token: " + token.body};
    request.url = base + "/latest/meta-data/iam/security-credentials/";
    const HttpResponse roles = client.send(request);
    if (roles.status != 200) return {};
    const std::string role(trim(std::string_view(roles.body).substr(0, roles.body.find('\n'))));
    request.url += role;
    const HttpResponse answer = client.send(request);
    if (answer.status != 200) return {};
    return from_json(answer.body, fmt::format("the instance's role '{}'", role));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    return {};  // no such service here
  }
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<double> parse_utc(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!end || (*end != '.' && *end != 'Z')) return {};
  return static_cast<double>(::timegm(&parts));
}

std::string aws_profile_name() {
  const std::string name = environment("AWS_PROFILE");
  return name.empty() ? "default" : name;
}

ProfileValues aws_profile() {
  const std::string home = environment("HOME");
  std::string credentials = environment("AWS_SHARED_CREDENTIALS_FILE");
  std::string config = environment("AWS_CONFIG_FILE");
  if (credentials.empty()) credentials = home + "/.aws/credentials";
  if (config.empty()) config = home + "/.aws/config";
  ProfileValues values = read_profile_file(config)[aws_profile_name()];
  const ProfileValues secrets = read_profile_file(credentials)[aws_profile_name()];
  for (const auto& [key, value] : secrets) values[key] = value;
  return values;
}

std::string aws_places() {
  return "the environment (AWS_ACCESS_KEY_ID), web identity (AWS_WEB_IDENTITY_TOKEN_FILE), profile "
         "files (~/.aws), the container's and the instance's credentials services";
}

std::optional<AwsCredentials> find_aws_credentials() {
  if (auto found = from_environment()) return found;
  const std::string token = environment("AWS_WEB_IDENTITY_TOKEN_FILE");
  const std::string role = environment("AWS_ROLE_ARN");
  if (!token.empty() && !role.empty()) return from_web_identity(token, role, region_of({}));
  if (auto found = from_profile()) return found;
  if (auto found = from_container()) return found;
  return from_instance();
}

std::optional<AwsCredentials> aws_credentials(bool again) {
  static std::mutex mutex;
  static bool looked = false;
  static std::optional<AwsCredentials> found;
  const std::lock_guard lock(mutex);
  const bool ends = found && found->expires_s && unix_seconds() > *found->expires_s - kMarginS;
  if (looked && !ends && !again) return found;
  found = find_aws_credentials();
  looked = true;
  return found;
}

}  // namespace lamella::io
