// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/net/attempt_internal.h"

namespace lamella::io {

namespace {

constexpr size_t kMaxAnswerBytes = size_t{64} << 20;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

size_t take_body(char* data, size_t size, size_t count, void* target) {
  auto& body = *static_cast<std::string*>(target);
  if (body.size() + size * count > kMaxAnswerBytes) return 0;
  body.append(data, size * count);
  return size * count;
}

size_t save_body(char* data, size_t size, size_t count, void* target) {
  return std::fwrite(data, 1, size * count, static_cast<std::FILE*>(target));
}

size_t give_body(char* data, size_t size, size_t count, void* source) {
  return std::fread(data, 1, size * count, static_cast<std::FILE*>(source));
}

size_t take_header(char* data, size_t size, size_t count, void* target) {
  constexpr std::string_view kName = "retry-after:";
  const std::string line(data, size * count);
  if (to_lower(line).starts_with(kName)) {
    *static_cast<std::string*>(target) = trim(std::string_view(line).substr(kName.size()));
  }
  return size * count;
}

int on_progress(void* cancel, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<CancelToken*>(cancel)->requested() ? 1 : 0;
}

// A request that does harm when it is carried out twice is only sent again if the first one
// certainly was not.
bool is_temporary(long status, bool repeatable) {
  if (status == 429 || status == 503) return true;
  return repeatable && (status == 408 || status == 500 || status == 502 || status == 504);
}

bool may_pass(CURLcode code, bool repeatable) {
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
      code == CURLE_COULDNT_RESOLVE_PROXY) {
    return true;
  }
  return repeatable &&
         (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
          code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE);
}

}  // namespace

struct HttpClient::State {
  HttpOptions options;
  CancelToken cancel;
  CURL* curl = nullptr;
  char message[CURL_ERROR_SIZE] = {};

  ~State() {
    if (curl) curl_easy_cleanup(curl);
  }

  CURLcode send_once(const HttpRequest& request, HttpResponse& response, std::string& retry_after);
  void set_common();
  void set_security();
  void wait(double seconds) const;
};

void HttpClient::State::set_security() {
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.client_cert.empty()) {
    curl_easy_setopt(curl, CURLOPT_SSLCERT, options.client_cert.c_str());
  }
  if (!options.user.empty() || !options.password.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, options.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options.password.c_str());
  } else if (!options.token.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, options.token.c_str());
  }
}

void HttpClient::State::set_common() {
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "lamella/" LAMELLA_VERSION);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout_s * 1000));
  if (options.direct) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  // A long upload is no time-out as long as something moves.
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(std::max(1.0, options.timeout_s)));
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &cancel);
  set_security();
}

CURLcode HttpClient::State::send_once(const HttpRequest& request, HttpResponse& response,
                                      std::string& retry_after) {
  response = {};
  retry_after.clear();
  message[0] = 0;
  set_common();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &retry_after);
  const std::string type = "Content-Type: " + request.content_type;
  curl_slist* headers = curl_slist_append(nullptr, type.c_str());
  headers = curl_slist_append(headers, "Expect:");
  for (const std::string& each : request.headers)
    headers = curl_slist_append(headers, each.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(headers,
                                                                          curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  File file, into;
  if (!request.into_file.empty()) {
    into.reset(std::fopen(request.into_file.c_str(), "wbe"));
    if (!into) throw Error(ErrorCode::kIo, "cannot be written", request.into_file);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, save_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, into.get());
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  }
  if (!request.body_file.empty()) {
    file.reset(std::fopen(request.body_file.c_str(), "rbe"));
    std::error_code error;
    const auto size = std::filesystem::file_size(request.body_file, error);
    if (!file || error) throw Error(ErrorCode::kIo, "cannot be read", request.body_file);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, file.get());
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  CURLcode code = curl_easy_perform(curl);
  if (into && std::fflush(into.get()) != 0) code = CURLE_WRITE_ERROR;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
  const char* found = nullptr;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &found);
  response.content_type = found ? found : "";
  return code;
}

void HttpClient::State::wait(double seconds) const {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    cancel.check();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

HttpClient::HttpClient(HttpOptions options, CancelToken cancel)
    : state_(std::make_unique<State>()) {
  require_curl();
  state_->options = std::move(options);
  state_->cancel = std::move(cancel);
  state_->curl = curl_easy_init();
  if (!state_->curl) throw Error(ErrorCode::kInternal, "libcurl cannot be used");
}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request) {
  const HttpOptions& options = state_->options;
  HttpResponse response;
  std::string retry_after;
  for (int attempt = 0;; ++attempt) {
    state_->cancel.check();
    const CURLcode code = state_->send_once(request, response, retry_after);
    state_->cancel.check();
    const bool again = code == CURLE_OK ? is_temporary(response.status, request.repeatable)
                                        : may_pass(code, request.repeatable);
    if (!again || attempt >= options.max_retries) {
      if (code == CURLE_OK) return response;
      const std::string what = state_->message[0] ? state_->message : curl_easy_strerror(code);
      throw Error(ErrorCode::kIo,
                  fmt::format("no answer{}: {}",
                              attempt > 0 ? fmt::format(" in {} attempts", attempt + 1) : "",
                              without_credentials(what)),
                  without_credentials(request.url));
    }
    double seconds = options.backoff_s * std::pow(2.0, attempt);
    const double now = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count());
    if (const auto asked = parse_retry_after(retry_after, now)) seconds = std::max(seconds, *asked);
    state_->wait(std::min(seconds, options.max_backoff_s));
  }
}

std::string environment_ca_file() {
  for (const char* name : {"CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);
    if (value && *value) return value;
  }
  return {};
}

std::optional<double> parse_retry_after(const std::string& value, double now_s) {
  if (value.empty()) return {};
  if (const auto seconds = parse_double(value)) {
    return std::isfinite(*seconds) && *seconds >= 0 ? seconds : std::nullopt;
  }
  const time_t date = curl_getdate(value.c_str(), nullptr);
  if (date < 0) return {};
  return std::max(0.0, static_cast<double>(date) - now_s);
}

}  // namespace lamella::io
