// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own, gone at its end. The room's namespace is `test`: `testing` is
// GoogleTest's.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lamella::test {

class TemporaryFolder {
 public:
  // kMemory: in /dev/shm where there is one, for fuzzers, which write a file for every input.
  enum class Place { kDisk, kMemory };

  explicit TemporaryFolder(Place place = Place::kDisk) {
    namespace fs = std::filesystem;
    const fs::path memory = "/dev/shm";
    const bool in_memory = place == Place::kMemory && fs::is_directory(memory);
    path_ = ((in_memory ? memory : fs::temp_directory_path()) / "lamella_test_XXXXXX").string();
    if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot make " + path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file, in folders of its name where it has any; returns its path.
  std::string put(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path place = file(name);
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(place, std::ios::binary | std::ios::trunc) << bytes;
    return place.string();
  }

 private:
  std::string path_;
};

}  // namespace lamella::test
