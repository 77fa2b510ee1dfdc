// SPDX-License-Identifier: Apache-2.0
// Where a slide's bytes come from: a local file, or an object in a store that is read by ranges.
// Immutable after opening; everything may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lamella/io/read_plan.h"

namespace lamella::io {

struct ByteRange {
  int64_t offset = 0;
  int64_t bytes = 0;
  bool operator==(const ByteRange&) const = default;
};

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // A path or address, without credentials.
  virtual const std::string& name() const = 0;
  virtual int64_t size() const = 0;
  // Fills all of `out` from `offset`. Error kCorrupt past the end, kIo if the read fails,
  // kMismatch if the object is another one by now, kInterrupted (see CancelScope).
  virtual void read_at(int64_t offset, std::span<std::byte> out) const = 0;
  // Error kMismatch if the bytes have been written to since they were opened, as far as can be told
  // (a file: by its size and the time of its last change). A file that was removed, or another one
  // put in its place, is no matter: the one that is open is read on.
  virtual void require_unchanged() const {}
  // A hint that these bytes will be read soon; may begin to fetch them, never waits or fails.
  virtual void will_need(int64_t offset, int64_t bytes) const noexcept {
    static_cast<void>(offset), static_cast<void>(bytes);
  }
  // Announces reads in the order in which they will come, each of a whole range. Neighbours are
  // fetched together and ahead of their reads, as far as the source's budget goes. Null where
  // nothing is won by it.
  virtual std::unique_ptr<ReadPlan> plan_reads(std::vector<ByteRange> in_order) const {
    static_cast<void>(in_order);
    return nullptr;
  }
  // Whether every read is a request over a network: what can be done without should be.
  virtual bool is_remote() const { return false; }
  // What the store says of the object's version; "" for files. Part of the fingerprint.
  virtual std::string version() const { return {}; }
  // The MD5 of all bytes in Base64, if the store tells it; else "".
  virtual std::string md5() const { return {}; }
  // What is doubtful, for the slide's warnings.
  virtual std::vector<std::string> warnings() const { return {}; }
};

// Error kNotFound if there is no such regular file, kIo if it cannot be opened, kInvalidArgument
// for an address.
std::shared_ptr<const ByteSource> open_file(const std::string& path);

// A file, or the object at an address (see address.h). Errors as open_file, and kUnsupported (a
// server without ranges), kIo (no access: which credentials were tried, never their values).
std::shared_ptr<const ByteSource> open_source(const std::string& place);

// SHA-256 hex over size, first, middle and last 1 MiB: cheap, and tells two slides apart. Of an
// object: over size, version, first and last 96 KiB and 32 KiB of its middle.
std::string fingerprint(const ByteSource& source);
// SHA-256 hex of the whole file or object.
std::string source_sha256(const ByteSource& source);
std::string file_sha256(const std::string& path);

}  // namespace lamella::io
