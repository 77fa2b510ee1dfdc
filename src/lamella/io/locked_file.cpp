// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/locked_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lamella/base/error.h"

namespace lamella::io {

namespace {

bool is_named(int descriptor, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

LockedFile open_locked(const std::string& path) {
  using State = LockedFile::State;
  while (true) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) {
      throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(errno)), path);
    }
    const bool locked = ::flock(file, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno == EWOULDBLOCK) return {file, State::kHeld};
    if (is_named(file, path)) return {file, locked ? State::kMine : State::kNoLocks};
    ::close(file);
  }
}

bool nobody_holds(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool nobody = ::flock(file, LOCK_SH | LOCK_NB) == 0;
  ::close(file);
  return nobody;
}

void remove_unless_held(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) ::unlink(path.c_str());
  ::close(file);
}

}  // namespace lamella::io
