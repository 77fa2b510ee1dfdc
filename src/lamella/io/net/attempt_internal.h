// SPDX-License-Identifier: Apache-2.0
// One try at a transfer: a request on a connection, and the judgement of its answer.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/io/net/transfers.h"

namespace lamella::io {

struct Attempt {
  Attempt(std::shared_ptr<Transfer> of, bool fresh_connection);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  enum class Verdict { kGood, kAgain, kFailed };
  // After the connection ended with `code`.
  Verdict judge(CURLcode code);
  void set_up(bool fresh_connection);

  std::shared_ptr<Transfer> transfer;
  CURL* curl = nullptr;
  double started_s = 0;
  bool hedged = false;         // another attempt was begun beside it
  double wait_s = -1;          // for another attempt: asked for by the server; < 0: not said
  bool learned = false;        // another attempt may begin at once
  std::string cause;           // of kAgain
  std::optional<Error> error;  // of kFailed

  StoreAnswer answer;
  std::unique_ptr<std::byte[]> bytes;
  int64_t expected = -1;  // of the body, once its headers are in
  int64_t received = 0;
  int64_t object_size = -1;
  bool accepted = false;  // the headers are those of the range that was asked for

 private:
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  void take_header(const std::string& line);
  bool take_body(const char* data, size_t count);
  bool accept();
  bool fail(ErrorCode code, const std::string& message);
  bool same_object() const;
  Verdict judge_status();
  Verdict judge_refusal();
  Verdict judge_failure(CURLcode code);
  curl_slist* headers_ = nullptr;
  char message_[CURL_ERROR_SIZE] = {};
};

// Seconds on a clock that only goes forward.
double steady_seconds();
// curl_global_init, once for the process.
void require_curl();

}  // namespace lamella::io
