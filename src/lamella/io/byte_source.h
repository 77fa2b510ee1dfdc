// SPDX-License-Identifier: Apache-2.0
// Where bytes come from: a local file today, HTTP/S3 ranges later. Immutable after opening;
// read_at may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lamella::io {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual const std::string& name() const = 0;
  virtual int64_t size() const = 0;
  // Fills all of `out` from `offset`. Error kCorrupt past the end, kIo if the read fails.
  virtual void read_at(int64_t offset, std::span<std::byte> out) const = 0;
  // Error kMismatch if the bytes have been written to since they were opened, as far as can be told
  // (a file: by its size and the time of its last change). A file that was removed, or another one
  // put in its place, is no matter: the one that is open is read on.
  virtual void require_unchanged() const {}
  // A hint that these bytes will be read soon; may begin to fetch them, never waits or fails.
  virtual void will_need(int64_t offset, int64_t bytes) const noexcept {
    static_cast<void>(offset), static_cast<void>(bytes);
  }
};

// Error kNotFound if there is no such regular file, kIo if it cannot be opened.
std::shared_ptr<const ByteSource> open_file(const std::string& path);

// SHA-256 hex over size, first, middle and last 1 MiB: cheap, and tells two slides apart.
std::string fingerprint(const ByteSource& source);
// SHA-256 hex of the whole file.
std::string file_sha256(const std::string& path);

}  // namespace lamella::io
