// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "lamella/base/error.h"

namespace lamella::imagefile {

// Compressed tiles of the coarser levels wait here until level 0 is complete: in a file without a
// name, so that memory does not grow with the slide and nothing is left behind by a crash.
class TileSpool {
 public:
  TileSpool(const std::string& temporary, const std::string& path) : path_(path) {
    const std::string name = temporary + ".levels";
    descriptor_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor_ < 0) fail();
    ::unlink(name.c_str());
  }
  ~TileSpool() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  TileSpool(const TileSpool&) = delete;
  TileSpool& operator=(const TileSpool&) = delete;

  void put(size_t level, const std::vector<uint8_t>& bytes) {
    if (places_.size() <= level) places_.resize(level + 1);
    places_[level].push_back({end_, bytes.size()});
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t wrote = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                     end_ + static_cast<int64_t>(done));
      if (wrote <= 0 && errno != EINTR) fail();
      if (wrote > 0) done += static_cast<size_t>(wrote);
    }
    end_ += static_cast<int64_t>(bytes.size());
  }

  std::vector<uint8_t> get(size_t level, size_t index) const {
    const Place place = places_[level][index];
    std::vector<uint8_t> bytes(place.size);
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                  place.offset + static_cast<int64_t>(done));
      if (got == 0) errno = EIO;
      if (got <= 0 && errno != EINTR) fail();
      if (got > 0) done += static_cast<size_t>(got);
    }
    return bytes;
  }
  size_t count(size_t level) const { return level < places_.size() ? places_[level].size() : 0; }

 private:
  struct Place {
    int64_t offset;
    size_t size;
  };
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(errno)), path_);
  }

  std::string path_;
  int descriptor_ = -1;
  int64_t end_ = 0;
  std::vector<std::vector<Place>> places_;
};

}  // namespace lamella::imagefile
