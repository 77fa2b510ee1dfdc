// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/net/profile_file.h"
#include "lamella/io/net/url.h"

namespace lamella::mlflow {

namespace {

constexpr std::string_view kMark = "://";
constexpr std::string_view kWorkspace = "databricks";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_database(const std::string& scheme) {
  constexpr std::array<std::string_view, 4> kDatabases = {"sqlite", "postgresql", "mysql", "mssql"};
  const std::string_view engine = std::string_view(scheme).substr(0, scheme.find('+'));
  return std::ranges::find(kDatabases, engine) != kDatabases.end();
}

bool is_known(const std::string& scheme) {
  return is_database(scheme) || scheme == "file" || scheme == "uc" ||
         scheme.starts_with(kWorkspace);
}

// What to do about an address of a kind that cannot work.
std::string remedy(const std::string& text, const std::string& scheme) {
  const std::string shown = without_credentials(text);
  if (text.empty()) return "start one with 'mlflow server'";
  if (is_database(scheme)) {
    return fmt::format(
        "a database is not written directly: serve it, 'mlflow server --backend-store-uri {} "
        "--port 5000', and give http://127.0.0.1:5000",
        shown);
  }
  if (scheme == "databricks-uc" || scheme == "uc") {
    return "this is a registry of models, runs are kept by the workspace: give 'databricks'";
  }
  if (scheme == kWorkspace) {
    return "a profile is the name of a section of ~/.databrickscfg; a scope of secrets can only be "
           "read on a cluster: set DATABRICKS_HOST and DATABRICKS_TOKEN, and give 'databricks'";
  }
  if (scheme == "file" || (scheme.empty() && text.find_first_of("/.") == 0)) {
    return fmt::format(
        "a folder is not written directly: serve it, 'mlflow server --backend-store-uri {} --port "
        "5000' (from MLflow 3.13 on after 'mlflow migrate-filestore'), and give "
        "http://127.0.0.1:5000",
        shown);
  }
  if (scheme.empty() && text.find_first_of(" \t") == std::string::npos) {
    return fmt::format("write http://{} if that is its host", shown);
  }
  return "give the address that a browser shows the server's pages at";
}

Error wrong(const std::string& text, const std::string& scheme) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("MLflow's tracking URI: found '{}', expected http://host:port, https://… or "
                      "databricks[://PROFILE]; {}",
                      without_credentials(text), remedy(text, scheme))};
}

std::string profile_of(const Address& address) {
  return address.workspace.size() > kWorkspace.size()
             ? address.workspace.substr(kWorkspace.size() + kMark.size())
             : std::string();
}

std::string profile_path() {
  const std::string path = environment("DATABRICKS_CONFIG_FILE");
  return path.empty() ? environment("HOME") + "/.databrickscfg" : path;
}

// "adb-1.azuredatabricks.net/?o=1" is a host, too.
std::string workspace_uri(std::string host, const std::string& workspace) {
  if (host.find(kMark) == std::string::npos) host = fmt::format("https://{}", host);
  const Address plain = parse_tracking_uri(host.substr(0, host.find('?')));
  if (plain.uri.empty() || !plain.user.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("host of the workspace '{}': found '{}', expected https://…", workspace,
                            without_credentials(host)));
  }
  return plain.uri;
}

}  // namespace

Address parse_tracking_uri(const std::string& text) {
  const size_t mark = text.find(kMark);
  if (to_lower(text) == kWorkspace) return {.workspace = std::string(kWorkspace)};
  const std::string scheme = to_lower(text.substr(0, std::min(mark, text.find(':'))));
  if (mark == std::string::npos) throw wrong(text, is_known(scheme) ? scheme : "");
  std::string rest = text.substr(mark + kMark.size());
  if (scheme == kWorkspace) {
    if (rest.empty() || rest.find_first_of(":/@ ") != std::string::npos) throw wrong(text, scheme);
    return {.workspace = fmt::format("{}{}{}", kWorkspace, kMark, rest)};
  }
  Address address;
  // The last "@": a password may hold one as it is.
  const size_t at = rest.substr(0, rest.find('/')).rfind('@');
  if (at != std::string::npos) {
    const std::string both = rest.substr(0, at);
    const size_t colon = both.find(':');
    address.user = io::percent_decode(both.substr(0, colon));
    if (colon != std::string::npos) address.password = io::percent_decode(both.substr(colon + 1));
    rest = rest.substr(at + 1);
  }
  while (rest.ends_with('/')) rest.pop_back();
  address.uri = fmt::format("{}{}{}", scheme, kMark, rest);
  const auto url = io::parse_url(address.uri);
  const bool is_web = scheme == "http" || scheme == "https";
  if (!url || !is_web || url->has_query || rest.starts_with('/')) throw wrong(text, scheme);
  return address;
}

Address find_workspace(Address address) {
  if (address.workspace.empty()) return address;
  std::string profile = profile_of(address);
  std::string host, token;
  if (profile.empty()) {
    host = environment("DATABRICKS_HOST");
    token = environment("DATABRICKS_TOKEN");
    profile = environment("DATABRICKS_CONFIG_PROFILE");
  }
  if (profile.empty()) profile = "DEFAULT";
  const std::string path = profile_path();
  if (host.empty() || token.empty()) {
    io::ProfileValues values = io::read_profile_file(path)[profile];
    host = values["host"];  // a token is for its own host
    token = values["token"];
  }
  if (host.empty() || token.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("MLflow's tracking URI '{}': found no {} of the workspace, expected "
                            "DATABRICKS_HOST and DATABRICKS_TOKEN, or host and token of the "
                            "section [{}] of {}; a token is made in the workspace's settings, or "
                            "printed by 'databricks auth token'",
                            address.workspace, host.empty() ? "host" : "token", profile, path));
  }
  address.uri = workspace_uri(host, address.workspace);
  address.token = token;
  return address;
}

}  // namespace lamella::mlflow
