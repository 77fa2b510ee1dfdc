// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "lamella/base/credentials.h"
#include "lamella/base/text.h"
#include "lamella/io/net/attempt_internal.h"
#include "lamella/io/net/http_client.h"

namespace lamella::io {

namespace {

constexpr size_t kMaxRefusalBytes = size_t{16} << 10;
constexpr long kConnectTimeoutMs = 10'000;
// Slower than this for so long: the connection is given up.
constexpr long kStalledBytesPerSecond = 256, kStalledSeconds = 20;

bool set_value(const std::string& line, std::string_view name, std::string& value) {
  if (!to_lower(line.substr(0, name.size())).starts_with(name)) return false;
  value = trim(std::string_view(line).substr(name.size()));
  return true;
}

// "bytes 0-99/1000", or "bytes */1000" of a range that is not there.
struct ContentRange {
  int64_t first = -1, last = -1, size = -1;
};
std::optional<ContentRange> parse_content_range(const std::string& text) {
  if (!to_lower(text).starts_with("bytes ")) return {};
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return {};
  ContentRange range;
  const std::string span(trim(std::string_view(text).substr(6, slash - 6)));
  const auto size = parse_int(trim(std::string_view(text).substr(slash + 1)));
  if (!size || *size < 0) return {};
  range.size = *size;
  if (span == "*") return range;
  const size_t dash = span.find('-');
  const auto first = parse_int(span.substr(0, dash));
  const auto last = dash == std::string::npos ? std::nullopt : parse_int(span.substr(dash + 1));
  if (!first || !last || *first < 0 || *last < *first) return {};
  range.first = *first;
  range.last = *last;
  return range;
}

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void require_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Attempt::Attempt(std::shared_ptr<Transfer> of, bool fresh_connection)
    : transfer(std::move(of)), started_s(steady_seconds()) {
  curl = curl_easy_init();
  if (!curl) throw Error(ErrorCode::kInternal, "libcurl cannot be used");
  try {
    set_up(fresh_connection);
  } catch (...) {
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers_);
    throw;
  }
}

Attempt::~Attempt() {
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers_);
}

void Attempt::set_up(bool fresh_connection) {
  const TransferRequest& request = transfer->request;
  std::vector<std::string> headers = {fmt::format("Range: bytes={}-{}", request.range.offset,
                                                  request.range.offset + request.range.bytes - 1)};
  if (request.version && !request.version->condition.empty()) {
    headers.push_back(request.version->condition);
  }
  const SignedRequest signed_request = request.store->sign(headers);
  for (const std::string& header : signed_request.headers) {
    headers_ = curl_slist_append(headers_, header.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(curl, CURLOPT_URL, signed_request.url.c_str());
  if (!signed_request.user.empty() || !signed_request.password.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, signed_request.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, signed_request.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // a key may be "a/../b"
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message_);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "lamella/" LAMELLA_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L << 10);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kStalledBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, fresh_connection ? 1L : 0L);
  if (request.store->follows_redirects()) {
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
    // What was asked for over TLS is not taken from an open connection.
    const bool https = to_lower(signed_request.url).starts_with("https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
  }
  if (const std::string file = environment_ca_file(); !file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, file.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Attempt::on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Attempt::on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
}

size_t Attempt::on_header(char* data, size_t size, size_t count, void* self) {
  static_cast<Attempt*>(self)->take_header(std::string(data, size * count));
  return size * count;
}

size_t Attempt::on_body(char* data, size_t size, size_t count, void* self) {
  return static_cast<Attempt*>(self)->take_body(data, size * count) ? size * count : 0;
}

void Attempt::take_header(const std::string& line) {
  if (line.starts_with("HTTP/")) {  // of another answer: a redirect's, a proxy's
    answer = {};
    const size_t space = line.find(' ');
    if (space != std::string::npos) answer.status = std::atol(line.c_str() + space + 1);
    return;
  }
  std::string text;
  if (set_value(line, "content-length:", text)) {
    answer.content_length = parse_int(text).value_or(-1);
    return;
  }
  if (set_value(line, "x-goog-hash:", text) && text.starts_with("md5=")) {
    answer.md5 = text.substr(4);
    return;
  }
  for (const auto& [name, value] : {std::pair{"etag:", &answer.etag},
                                    {"last-modified:", &answer.last_modified},
                                    {"content-range:", &answer.content_range},
                                    {"retry-after:", &answer.retry_after},
                                    {"location:", &answer.location},
                                    {"x-amz-bucket-region:", &answer.region},
                                    {"x-goog-generation:", &answer.generation},
                                    {"x-ms-blob-content-md5:", &answer.md5}}) {
    if (set_value(line, name, *value)) return;
  }
}

bool Attempt::fail(ErrorCode code, const std::string& message) {
  error.emplace(code, message, transfer->request.store->name());
  return false;
}

// Whether the headers are of the object that was opened.
bool Attempt::same_object() const {
  const auto& known = transfer->request.version;
  if (!known) return true;
  if (object_size != known->size) return false;
  if (!known->etag.empty() && !answer.etag.empty()) return known->etag == answer.etag;
  return known->last_modified.empty() || answer.last_modified.empty() ||
         known->last_modified == answer.last_modified;
}

// At the first byte of a body: whether it is the one that was asked for.
bool Attempt::accept() {
  const ByteRange& range = transfer->request.range;
  if (answer.status == 200) {
    object_size = answer.content_length;
    // The whole of an object that is smaller than the range is what was asked for.
    const bool whole = range.offset == 0 && object_size >= 0 && object_size <= range.bytes;
    if (!whole) {
      return fail(ErrorCode::kUnsupported,
                  "its server sent the whole object where a part was asked for: it does not serve "
                  "ranges; copy the slide with `fetch_to`, or serve it by another server");
    }
    expected = object_size;
  } else {
    const auto got = parse_content_range(answer.content_range);
    const int64_t last = got ? std::min(range.offset + range.bytes, got->size) - 1 : int64_t{-1};
    if (!got || got->first != range.offset || got->last != last) {
      return fail(ErrorCode::kIo, fmt::format("its server was asked for the bytes {}-{} and "
                                              "answered with '{}' (Content-Range)",
                                              range.offset, range.offset + range.bytes - 1,
                                              answer.content_range.substr(0, 100)));
    }
    object_size = got->size;
    expected = got->last - got->first + 1;
  }
  if (!same_object()) {
    return fail(ErrorCode::kMismatch,
                "the slide changed while it was read; nothing that was made of it is kept: run "
                "again");
  }
  bytes = std::make_unique_for_overwrite<std::byte[]>(static_cast<size_t>(expected));
  accepted = true;
  return true;
}

bool Attempt::take_body(const char* data, size_t count) {
  transfer->request.traffic->bytes_fetched += static_cast<int64_t>(count);
  if (answer.status != 200 && answer.status != 206) {
    if (answer.body.size() < kMaxRefusalBytes) {
      answer.body.append(data, std::min(count, kMaxRefusalBytes - answer.body.size()));
    }
    return true;
  }
  if (!accepted && !accept()) return false;
  if (received + static_cast<int64_t>(count) > expected) {
    return fail(ErrorCode::kIo, "its server sent more bytes than it said it would");
  }
  std::memcpy(bytes.get() + received, data, count);
  received += static_cast<int64_t>(count);
  return true;
}

Attempt::Verdict Attempt::judge(CURLcode code) {
  if (error) return Verdict::kFailed;
  if (code != CURLE_OK) return judge_failure(code);
  if (answer.status == 200 || answer.status == 206) {
    // No byte came: an empty body, which is right for an empty object alone.
    if (!accepted && !accept()) return Verdict::kFailed;
    if (received == expected) return Verdict::kGood;
    cause = fmt::format("{} bytes came where {} were announced", received, expected);
    return Verdict::kAgain;
  }
  return judge_status();
}

Attempt::Verdict Attempt::judge_status() {
  const auto& known = transfer->request.version;
  if (answer.status == 416 && !known) {
    const auto range = parse_content_range(answer.content_range);
    if (!range || range->size == 0) {  // an empty object has no bytes to ask for
      object_size = expected = 0;
      return Verdict::kGood;
    }
  }
  const bool gone = answer.status == 404 || answer.status == 410 || answer.status == 416;
  if (answer.status == 412 || (known && gone)) {
    fail(ErrorCode::kMismatch, gone ? "the slide changed while it was read: it is gone; run again"
                                    : "the slide changed while it was read; nothing that was made "
                                      "of it is kept: run again");
    return Verdict::kFailed;
  }
  if (answer.status == 408 || answer.status == 429 || answer.status >= 500) {
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
    wait_s = parse_retry_after(answer.retry_after, now.count()).value_or(-1);
    const std::string code = xml_value(answer.body, "Code");
    cause = fmt::format("its server answered {}{}", answer.status,
                        code.empty() ? code : " (" + code + ")");
    return Verdict::kAgain;
  }
  return judge_refusal();
}

Attempt::Verdict Attempt::judge_refusal() {
  if (transfer->request.store->learn(answer)) {
    cause = fmt::format("its server answered {}", answer.status);
    learned = true;
    return Verdict::kAgain;
  }
  std::string words = transfer->request.store->explain(answer);
  if (!words.empty()) words = "; " + words;
  const std::string code = xml_value(answer.body, "Code");
  const std::string said = fmt::format("{}{}", answer.status, code.empty() ? "" : ", " + code);
  if (answer.status == 404 || answer.status == 410) {
    fail(ErrorCode::kNotFound, fmt::format("is not there ({}){}", said, words));
  } else if (answer.status == 401 || answer.status == 403) {
    fail(ErrorCode::kIo, fmt::format("access was denied ({}){}", said, words));
  } else if (answer.status >= 300 && answer.status < 400) {
    fail(ErrorCode::kIo,
         fmt::format("its server sends elsewhere ({}, to '{}'), which is not followed{}", said,
                     without_credentials(answer.location), words));
  } else {
    fail(ErrorCode::kIo, fmt::format("its server refused ({}){}", said, words));
  }
  return Verdict::kFailed;
}

Attempt::Verdict Attempt::judge_failure(CURLcode code) {
  const std::string words = without_credentials(message_[0] ? message_ : curl_easy_strerror(code));
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      fail(ErrorCode::kIo,
           fmt::format("its server's certificate cannot be trusted: {}; name the authority's file "
                       "by CURL_CA_BUNDLE if it is your own",
                       words));
      return Verdict::kFailed;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
      fail(ErrorCode::kIo, "cannot be read: " + words);
      return Verdict::kFailed;
    default:
      cause = words;
      return Verdict::kAgain;
  }
}

}  // namespace lamella::io
