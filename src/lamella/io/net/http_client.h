// SPDX-License-Identifier: Apache-2.0
// HTTP requests with authentication, verified TLS, retries with back-off. No message, log or record
// ever holds a secret: addresses are told without credentials.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"

namespace lamella::io {

struct HttpOptions {
  std::string user, password;  // basic authentication, wins over the token
  std::string token;           // bearer
  bool verify_tls = true;
  std::string ca_file;      // "" for the system's
  std::string client_cert;  // PEM with the key
  double connect_timeout_s = 10;
  double timeout_s = 120;
  // Retried: no connection, a connection that breaks, time-outs, 408, 429, 500, 502, 503, 504.
  int max_retries = 4;
  double backoff_s = 0.5;     // before the first retry, doubled for each one after it
  double max_backoff_s = 30;  // also the longest Retry-After that is waited for
  bool direct = false;        // past any proxy: a machine's own metadata service
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string body;
  std::string into_file;  // an answer of 200 is written to this file, not into `body`
  std::string body_file;  // sent as it is, streamed, instead of `body`
  std::string content_type = "application/json";
  std::vector<std::string> headers = {};  // "Name: value"
  // A request that may have been carried out although no answer came is sent again only if that
  // does no harm.
  bool repeatable = true;
};

struct HttpResponse {
  long status = 0;
  std::string body;
  std::string content_type;
};

// One caller at a time.
class HttpClient {
 public:
  HttpClient(HttpOptions options, CancelToken cancel);
  ~HttpClient();
  // The server's answer, whatever its status. Error kIo: no answer, after all retries (what was
  // seen last); kInterrupted.
  HttpResponse send(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The file of trusted authorities that the environment names (CURL_CA_BUNDLE, AWS_CA_BUNDLE,
// SSL_CERT_FILE), "" for the system's.
std::string environment_ca_file();

// Seconds that a Retry-After header asks for: a number, or an HTTP date against `now_s` (Unix
// time). nullopt if it is neither.
std::optional<double> parse_retry_after(const std::string& value, double now_s);

}  // namespace lamella::io
