// SPDX-License-Identifier: Apache-2.0
// Objects of stores as local files, for what reads files alone.
#pragma once

#include <memory>
#include <string>

namespace lamella::io {

// Removed with its last user.
class LocalCopy {
 public:
  LocalCopy(std::string folder, std::string path);
  ~LocalCopy();
  LocalCopy(const LocalCopy&) = delete;
  LocalCopy& operator=(const LocalCopy&) = delete;

  const std::string& path() const { return path_; }
  // Of the object (io::fingerprint), so that pieces made of it are found again; "" where its server
  // cannot be asked for parts.
  std::string fingerprint;

 private:
  std::string folder_, path_;
};

// Copies the object whole into a folder of its own in `folder`: every part of the version that was
// opened, all the bytes, and of the MD5 that the store tells, if it tells one. A copy is made once
// in a process and kept for its next user, unless another copy needs the room. Error kIo (no room:
// what is needed and free), kCorrupt (another MD5), those of open_source.
std::shared_ptr<const LocalCopy> fetch_copy(const std::string& address, const std::string& folder);

}  // namespace lamella::io
