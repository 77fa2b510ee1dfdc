// SPDX-License-Identifier: Apache-2.0
// A file as bytes, for values that travel in table columns and in pickles.
#pragma once

#include <nanobind/nanobind.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lamella/base/error.h"
#include "lamella/io/files.h"

namespace lamella::python {

// A folder that is gone with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "lamella-XXXXXX").string();
    if (!::mkdtemp(path_.data())) {
      throw Error(ErrorCode::kIo, "no temporary folder can be made here; set TMPDIR", path_);
    }
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// What write(path) writes.
template <typename Write>
nanobind::bytes file_to_bytes(const Write& write) {
  const TemporaryFolder folder;
  write(folder.file("value"));
  const std::string bytes = io::read_text_file(folder.file("value"), int64_t{1} << 40);
  return nanobind::bytes(bytes.data(), bytes.size());
}

// read(path) of a file of these bytes.
template <typename Read>
auto file_from_bytes(const nanobind::bytes& bytes, const Read& read) {
  const TemporaryFolder folder;
  io::write_file_atomic(folder.file("value"), {bytes.c_str(), bytes.size()}, io::Sync::kLater);
  return read(folder.file("value"));
}

}  // namespace lamella::python
