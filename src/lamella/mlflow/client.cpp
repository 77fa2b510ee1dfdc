// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"
#include "lamella/io/net/url.h"

namespace lamella::mlflow {

namespace {

constexpr size_t kQuotedCharacters = 300;
constexpr std::string_view kProxied = "mlflow-artifacts:";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

double number_or(const char* name, double otherwise) {
  const std::string text = environment(name);
  if (text.empty()) return otherwise;
  const auto value = parse_double(text);
  if (!value || !(*value >= 0) || !std::isfinite(*value)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: found '{}', expected a number of at least 0", name, text));
  }
  return *value;
}

nlohmann::json parse_object(const std::string& text) {
  const nlohmann::json parsed = parse_json_or_discard(text);
  return parsed.is_object() ? parsed : nlohmann::json();
}

std::string server_words(const io::HttpResponse& response) {
  const nlohmann::json body = parse_object(response.body);
  std::string words;
  if (body.is_object() && body.contains("message") && body["message"].is_string()) {
    words = body["message"].get<std::string>();
  } else if (response.content_type.find("html") == std::string::npos) {
    words = std::string(trim(response.body));
  }
  if (words.size() > kQuotedCharacters) words = words.substr(0, kQuotedCharacters) + "…";
  return words.empty() ? "" : ": " + without_credentials(words);
}

[[noreturn]] void refuse(const io::HttpResponse& response, const std::string& url, bool workspace) {
  const std::string words = server_words(response);
  const auto status = response.status;
  std::string advice = "the server refused the request";
  ErrorCode code = ErrorCode::kInvalidArgument;
  if (status == 401) {
    advice = workspace ? "the workspace does not know the token, or it is too old; give another one"
                       : "the server wants authentication; set MLFLOW_TRACKING_USERNAME and "
                         "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN";
  } else if (status == 403) {
    advice = "the server does not allow this user to do that; ask its administrator";
  } else if (status == 404 && parse_object(response.body).contains("error_code")) {
    advice = "the server does not know it; it may have been deleted there meanwhile";
  } else if (status == 404) {
    advice = "there is nothing at this address; check the tracking URI";
  } else if (status >= 300 && status < 400) {
    advice = "the server redirects elsewhere; give the address of the MLflow server itself";
  } else if (status == 429) {
    code = ErrorCode::kIo;
    advice = "the server is busy and stayed so";
  } else if (status >= 500) {
    code = ErrorCode::kIo;
    advice = "the server failed and stayed so";
  }
  throw Error(code, fmt::format("{} (HTTP {}){}", advice, status, words), url);
}

}  // namespace

io::HttpOptions http_options_from_environment() {
  io::HttpOptions options;
  options.user = environment("MLFLOW_TRACKING_USERNAME");
  options.password = environment("MLFLOW_TRACKING_PASSWORD");
  options.token = environment("MLFLOW_TRACKING_TOKEN");
  const std::string insecure = to_lower(environment("MLFLOW_TRACKING_INSECURE_TLS"));
  options.verify_tls = insecure != "true" && insecure != "1";
  options.ca_file = environment("MLFLOW_TRACKING_SERVER_CERT_PATH");
  options.client_cert = environment("MLFLOW_TRACKING_CLIENT_CERT_PATH");
  options.timeout_s = number_or("MLFLOW_HTTP_REQUEST_TIMEOUT", options.timeout_s);
  options.max_retries = static_cast<int>(
      std::min(20.0, number_or("MLFLOW_HTTP_REQUEST_MAX_RETRIES", options.max_retries)));
  options.backoff_s = number_or("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", options.backoff_s);
  return options;
}

namespace {

io::HttpOptions with_credentials(io::HttpOptions options, const Address& address) {
  if (!address.workspace.empty()) {
    options.user.clear();
    options.password.clear();
    options.token = address.token;
    return options;
  }
  const bool has_own = !options.user.empty() || !options.password.empty() || !options.token.empty();
  if (!has_own) {
    options.user = address.user;
    options.password = address.password;
  }
  return options;
}

}  // namespace

Client::Client(const Address& address, io::HttpOptions options, CancelToken cancel)
    : address_(address), http_(with_credentials(std::move(options), address), std::move(cancel)) {}

io::HttpResponse Client::checked(const io::HttpRequest& request,
                                 const std::vector<std::string>& expected, bool& was_expected) {
  io::HttpResponse response = http_.send(request);
  was_expected = false;
  if (response.status >= 200 && response.status < 300) return response;
  const nlohmann::json body = parse_object(response.body);
  std::string code = body.is_object() ? body.value("error_code", "") : "";
  // A server that is too old answers 404 without words of MLflow's.
  if (code.empty() && (response.status == 404 || response.status == 405)) {
    code = "ENDPOINT_NOT_FOUND";
  }
  was_expected = std::find(expected.begin(), expected.end(), code) != expected.end();
  if (!was_expected) refuse(response, request.url, is_workspace());
  return response;
}

std::optional<nlohmann::json> Client::call(const std::string& method, const std::string& path,
                                           const nlohmann::json& body,
                                           const std::vector<std::string>& expected,
                                           bool repeatable) {
  io::HttpRequest request;
  request.method = method;
  request.url = uri() + "/api/2.0/mlflow/" + path;
  if (!body.is_null()) {
    request.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  request.repeatable = repeatable;
  return ask(request, expected);
}

std::string Client::workspace_user() {
  io::HttpRequest request;
  request.url = uri() + "/api/2.0/preview/scim/v2/Me";
  const std::string name = ask(request, {})->value("userName", "");
  if (name.empty() || name.find('/') != std::string::npos) {
    throw Error(ErrorCode::kFormat,
                "found no name of the user, which the path of the experiment needs; give "
                "MLFLOW_EXPERIMENT_NAME a whole path (/Shared/…)",
                request.url);
  }
  return name;
}

std::optional<nlohmann::json> Client::ask(const io::HttpRequest& request,
                                          const std::vector<std::string>& expected) {
  bool was_expected = false;
  const io::HttpResponse response = checked(request, expected, was_expected);
  if (was_expected) return {};
  const nlohmann::json answer = parse_object(response.body);
  if (answer.is_null()) {
    throw Error(ErrorCode::kFormat,
                fmt::format("found an answer of type '{}', expected MLflow's JSON; is this an "
                            "MLflow server, or a proxy or login page before one?",
                            response.content_type),
                request.url);
  }
  return answer;
}

bool takes_artifacts(const std::string& artifact_uri) { return artifact_uri.starts_with(kProxied); }

void Client::put_artifact(const std::string& artifact_uri, const std::string& name,
                          const ArtifactBody& body) {
  // mlflow-artifacts:/path, or with another host: mlflow-artifacts://host:port/path.
  std::string folder = artifact_uri.substr(kProxied.size());
  std::string base = uri();
  if (folder.starts_with("//") && !folder.starts_with("///")) {
    const size_t slash = std::min(folder.find('/', 2), folder.size());
    base = uri().substr(0, uri().find("://") + 1) + folder.substr(0, slash);
    folder = folder.substr(slash);
  }
  while (folder.starts_with('/')) folder.erase(0, 1);
  io::HttpRequest request;
  request.method = "PUT";
  request.url = base + "/api/2.0/mlflow-artifacts/artifacts";
  std::string part;
  for (const char c : folder + "/" + name + "/") {
    if (c != '/') {
      part += c;
    } else if (!part.empty()) {
      request.url += "/" + io::percent_encode(part);
      part.clear();
    }
  }
  request.body_file = body.file;
  request.body = body.bytes;
  request.content_type = "application/octet-stream";
  bool was_expected = false;
  const io::HttpResponse response = checked(request, {}, was_expected);
  if (response.content_type.find("html") != std::string::npos) {
    throw Error(ErrorCode::kFormat,
                "found an HTML page, expected MLflow's answer; is there a proxy or login page "
                "before the server?",
                request.url);
  }
}

}  // namespace lamella::mlflow
