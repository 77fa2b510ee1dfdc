// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "lamella/io/files.h"

namespace lamella::verbs {

// A folder of its own beside `out`, removed at the end.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& out) : path_(fmt::format("{}.{}.tmp", out, ::getpid())) {
    io::make_folders(path_);
  }
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace lamella::verbs
