// SPDX-License-Identifier: Apache-2.0
// MLflow's REST interface: one call is one request; what it means is the publisher's business.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/io/net/http_client.h"
#include "lamella/mlflow/address.h"

namespace lamella::mlflow {

// From MLflow's variables: MLFLOW_TRACKING_USERNAME and _PASSWORD, _TOKEN, _INSECURE_TLS,
// _SERVER_CERT_PATH, _CLIENT_CERT_PATH, MLFLOW_HTTP_REQUEST_TIMEOUT, _MAX_RETRIES,
// _BACKOFF_FACTOR. Error kInvalidArgument: a number that is none (the variable is named).
io::HttpOptions http_options_from_environment();

// Whether files of this artifact folder are sent to the server itself ("mlflow-artifacts:/1/ab…").
bool takes_artifacts(const std::string& artifact_uri);

struct ArtifactBody {
  std::string file;   // path, or
  std::string bytes;  // where there is none
};

class Client {
 public:
  // Authentication by MLflow's variables, else by the address's own credentials; of a workspace by
  // its token. `address` as find_workspace gives it.
  Client(const Address& address, io::HttpOptions options, CancelToken cancel);
  const std::string& uri() const { return address_.uri; }
  const Address& address() const { return address_; }
  bool is_workspace() const { return !address_.workspace.empty(); }

  // `path` beneath /api/2.0/mlflow/, with a query if it has one. The answer's JSON; nullopt if the
  // server says one of the error codes of `expected` (RESOURCE_DOES_NOT_EXIST, …) or, for
  // "ENDPOINT_NOT_FOUND", that it has no such call.
  // Error kIo: no answer, 5xx, 429 after all retries. kInvalidArgument: refused (401, 403, 4xx;
  // the server's own words are in the message). kFormat: an answer that is not MLflow's.
  std::optional<nlohmann::json> call(const std::string& method, const std::string& path,
                                     const nlohmann::json& body = {},
                                     const std::vector<std::string>& expected = {},
                                     bool repeatable = true);

  // Sends a file, or bytes, to an artifact folder that the server takes itself (see
  // takes_artifacts). Same bytes again do no harm. Error as call's.
  void put_artifact(const std::string& artifact_uri, const std::string& name,
                    const ArtifactBody& body);

  // The name by which a Databricks workspace knows who asks. Error as call's.
  std::string workspace_user();

 private:
  std::optional<nlohmann::json> ask(const io::HttpRequest& request,
                                    const std::vector<std::string>& expected);
  io::HttpResponse checked(const io::HttpRequest& request, const std::vector<std::string>& expected,
                           bool& was_expected);
  Address address_;
  io::HttpClient http_;
};

}  // namespace lamella::mlflow
