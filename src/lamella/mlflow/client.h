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

class Client {
 public:
  // Authentication by MLflow's variables, else by the address's own credentials.
  Client(const Address& address, io::HttpOptions options, CancelToken cancel);
  const std::string& uri() const { return uri_; }

  // `path` beneath /api/2.0/mlflow/, with a query if it has one. The answer's JSON; nullopt if the
  // server says one of the error codes of `expected` (RESOURCE_DOES_NOT_EXIST, …) or, for
  // "ENDPOINT_NOT_FOUND", that it has no such call.
  // Error kIo: no answer, 5xx, 429 after all retries. kInvalidArgument: refused (401, 403, 4xx;
  // the server's own words are in the message). kFormat: an answer that is not MLflow's.
  std::optional<nlohmann::json> call(const std::string& method, const std::string& path,
                                     const nlohmann::json& body = {},
                                     const std::vector<std::string>& expected = {},
                                     bool repeatable = true);

  // Sends a file to the artifact folder that the server gave ("mlflow-artifacts:/1/ab…/artifacts").
  // Same bytes again do no harm. Error as call's, kUnsupported if the server does not take
  // artifacts itself.
  void put_artifact(const std::string& artifact_uri, const std::string& name,
                    const std::string& file);

 private:
  io::HttpResponse checked(const io::HttpRequest& request, const std::vector<std::string>& expected,
                           bool& was_expected);
  std::string uri_;
  io::HttpClient http_;
};

}  // namespace lamella::mlflow
