// SPDX-License-Identifier: Apache-2.0
// How one object is asked for: each cloud has its own address, signature and words for a refusal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lamella::io {

// A GET as it is sent, signed.
struct SignedRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string user, password;        // basic authentication, "" for none
};

// What is known of an answer; names of headers in the members' words.
struct StoreAnswer {
  long status = 0;
  std::string etag, last_modified, content_range, retry_after, location;
  std::string region;      // x-amz-bucket-region
  std::string generation;  // x-goog-generation
  std::string md5;         // of the whole object, Base64: x-ms-blob-content-md5 or x-goog-hash's
  int64_t content_length = -1;
  std::string body;  // of a refusal: its start
};

class Store {
 public:
  virtual ~Store() = default;

  // The object's address, without credentials.
  virtual const std::string& name() const = 0;
  // Called before each attempt with the headers that it needs (range, conditions), from any thread;
  // may ask for credentials. Error kIo: there are none where some are needed.
  virtual SignedRequest sign(const std::vector<std::string>& headers) = 0;
  // Whether a refusal taught something (a bucket's region, that credentials expired early) by which
  // the next attempt may be granted.
  virtual bool learn(const StoreAnswer& answer) {
    static_cast<void>(answer);
    return false;
  }
  // What a refusal (401, 403 ...) means here and where the credentials came from: "" if there is
  // nothing to add.
  virtual std::string explain(const StoreAnswer& answer) const {
    static_cast<void>(answer);
    return {};
  }
  // The header by which the store answers only for that version: "If-Match: …"; "" if the answer
  // names none.
  virtual std::string condition(const StoreAnswer& first) const;
  virtual bool follows_redirects() const { return false; }
};

// The store of an address (see address.h). Error kInvalidArgument: what is wrong with it.
std::shared_ptr<Store> make_store(const std::string& address);

// Whether an entity tag names exactly these bytes.
bool is_strong_etag(const std::string& etag);

// "NoSuchKey" of <Code>NoSuchKey</Code>, or "" (S3, Azure and Google's XML).
std::string xml_value(const std::string& body, const std::string& tag);

}  // namespace lamella::io
