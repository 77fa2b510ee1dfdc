// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/files.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/io/address.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/temporary.h"

namespace lamella::io {

namespace fs = std::filesystem;

namespace {

// Removes the temporary file unless it was renamed into place.
class Temporary {
 public:
  explicit Temporary(const std::string& path) : path_(temporary_name(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const std::string& path() const { return path_; }
  void release() { path_.clear(); }

 private:
  std::string path_;
};

void sync_path(const std::string& path, int flags, const std::string& final_path) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  // Some file systems refuse to sync a folder (EINVAL); their rename is as durable as it gets.
  if (!synced && error != EINVAL) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error)),
                final_path);
  }
}

}  // namespace

std::string read_text_file(const std::string& path, int64_t max_bytes) {
  const auto source = open_file(path);
  if (source->size() > max_bytes) {
    throw Error(ErrorCode::kLimit,
                fmt::format("has {} bytes; at most {} were expected", source->size(), max_bytes),
                path);
  }
  std::string text(static_cast<size_t>(source->size()), '\0');
  source->read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

bool write_all(int file, int64_t offset, std::span<const std::byte> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::pwrite(file, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(offset + static_cast<int64_t>(done)));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<size_t>(wrote);
  }
  return true;
}

namespace {

// `write` gets the new file `place`; false, with errno, if it failed. `path` is what errors name.
void write_new_file(const std::string& place, const std::string& path,
                    const std::function<bool(int file)>& write) {
  const int file = ::open(place.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool good = false;
  try {
    good = file >= 0 && write(file);
  } catch (...) {
    ::close(file);
    throw;
  }
  int error = errno;
  if (file >= 0 && ::close(file) != 0 && good) {
    good = false;
    error = errno;
  }
  if (!good) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error)), path);
  }
}

}  // namespace

void write_file_atomic(const std::string& path, std::string_view bytes, Sync sync) {
  const auto write = [&](const std::string& temporary) {
    write_new_file(temporary, path,
                   [&](int file) { return write_all(file, 0, std::as_bytes(std::span(bytes))); });
  };
  replace_file(path, write, sync);
}

void copy_file(const std::string& from, const std::string& place, const std::string& path) {
  constexpr int64_t kPart = int64_t{1} << 20;
  const auto source = open_file(from);
  std::vector<std::byte> bytes;
  write_new_file(place, path, [&](int file) {
    for (int64_t offset = 0; offset < source->size(); offset += kPart) {
      bytes.resize(static_cast<size_t>(std::min(kPart, source->size() - offset)));
      source->read_at(offset, bytes);
      if (!write_all(file, offset, bytes)) return false;
    }
    return true;
  });
}

void replace_file(const std::string& path,
                  const std::function<void(const std::string& temporary_path)>& write, Sync sync) {
  require_path(path, "outputs");
  const std::string folder = parent_folder(path);
  make_folders(folder);
  Temporary temporary(path);
  write(temporary.path());
  if (sync == Sync::kNow) sync_path(temporary.path(), O_RDONLY, path);
  if (::rename(temporary.path().c_str(), path.c_str()) != 0) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(errno)), path);
  }
  temporary.release();
  if (sync == Sync::kNow) sync_path(folder, O_RDONLY | O_DIRECTORY, path);
}

void sync_file_system(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::syncfs(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error)), folder);
  }
}

void make_folders(const std::string& path) {
  require_path(path, "outputs");
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, error)) {
    throw Error(ErrorCode::kIo,
                fmt::format("the folder cannot be made: {}",
                            error ? error.message() : "a file of that name is in the way"),
                path);
  }
}

void require_writable_folder(const std::string& path) {
  make_folders(path);
  const Temporary probe((fs::path(path) / "write_test").string());
  const int descriptor = ::open(probe.path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    throw Error(ErrorCode::kIo,
                fmt::format("the folder is not writable: {}; choose another output folder or "
                            "change its permissions",
                            std::strerror(errno)),
                path);
  }
  ::close(descriptor);
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string resolve(const std::string& folder, const std::string& path) {
  if (is_address(path)) return path;
  return fs::path(path).is_absolute() ? path
                                      : (fs::path(folder) / path).lexically_normal().string();
}

std::string parent_folder(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string own_folder() {
  std::error_code error;
  fs::path file = fs::read_symlink("/proc/self/exe", error);
  Dl_info info;
  link_map* map = nullptr;
  const auto* here = reinterpret_cast<const void*>(&own_folder);
  // The main program has no name here.
  if (dladdr1(here, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0 && map &&
      map->l_name && *map->l_name) {
    file = fs::absolute(map->l_name, error);
  }
  return file.parent_path().string();
}

std::string stem(const std::string& path) {
  return is_address(path) ? address_stem(path) : fs::path(path).stem().string();
}

}  // namespace lamella::io
