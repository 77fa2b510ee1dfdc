// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/address.h"
#include "lamella/io/net/remote_source.h"

namespace lamella::io {

namespace {

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::string& path) : name_(path) {
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) {
      const int error = errno;
      throw Error(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
                  fmt::format("cannot be opened: {}", std::strerror(error)), path);
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw Error(ErrorCode::kNotFound, "is not a regular file; expected a file", path);
    }
    size_ = status.st_size;
    changed_ = status.st_mtim;
  }
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  const std::string& name() const override { return name_; }
  int64_t size() const override { return size_; }

  void read_at(int64_t offset, std::span<std::byte> out) const override {
    const auto wanted = static_cast<int64_t>(out.size());
    if (offset < 0 || offset > size_ || wanted > size_ - offset) {
      throw Error(ErrorCode::kCorrupt,
                  fmt::format("{} bytes at offset {} lie beyond the end of the file ({} bytes); "
                              "is it cut short?",
                              wanted, offset, size_),
                  name_);
    }
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + static_cast<int64_t>(done)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        throw Error(ErrorCode::kIo,
                    fmt::format("read of {} bytes at offset {} failed: {}", out.size(), offset,
                                std::strerror(errno)),
                    name_);
      }
      if (got == 0) {
        throw Error(ErrorCode::kIo,
                    fmt::format("ended at offset {} while it was read; it had {} bytes when it "
                                "was opened",
                                offset + static_cast<int64_t>(done), size_),
                    name_);
      }
      done += static_cast<size_t>(got);
    }
  }

  void require_unchanged() const override {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) {
      throw Error(ErrorCode::kIo, fmt::format("cannot be looked at: {}", std::strerror(errno)),
                  name_);
    }
    if (status.st_size == size_ && status.st_mtim.tv_sec == changed_.tv_sec &&
        status.st_mtim.tv_nsec == changed_.tv_nsec) {
      return;
    }
    throw Error(ErrorCode::kMismatch,
                fmt::format("was changed while it was read ({} bytes when it was opened, {} now); "
                            "nothing that was made of it is kept: run again when it is complete",
                            size_, int64_t{status.st_size}),
                name_);
  }

  void will_need(int64_t offset, int64_t bytes) const noexcept override {
    ::posix_fadvise(descriptor_, offset, bytes, POSIX_FADV_WILLNEED);
  }

 private:
  std::string name_;
  int descriptor_ = -1;
  int64_t size_ = 0;
  timespec changed_{};
};

constexpr int64_t kSampleBytes = int64_t{1} << 20;

std::vector<ByteRange> samples_of(const ByteSource& source) {
  const int64_t size = source.size();
  const int64_t end = source.is_remote() ? kRemoteEndBytes : kSampleBytes;
  const int64_t middle = source.is_remote() ? kRemoteMiddleBytes : kSampleBytes;
  // An object's middle is cut where its blocks are, so that it takes one.
  const int64_t at = source.is_remote() ? size / 2 / middle * middle : size / 2;
  if (size > 2 * end + middle) return {{0, end}, {at, middle}, {size - end, end}};
  std::vector<ByteRange> all;
  for (int64_t offset = 0; offset < size; offset += end) {
    all.push_back({offset, std::min(end, size - offset)});
  }
  return all;
}

}  // namespace

std::shared_ptr<const ByteSource> open_file(const std::string& path) {
  require_path(path, "files other than slides");
  refuse_half_address(path);
  return std::make_shared<FileSource>(path);
}

std::shared_ptr<const ByteSource> open_source(const std::string& place) {
  return is_address(place) ? open_remote(place) : open_file(place);
}

std::string fingerprint(const ByteSource& source) {
  Sha256 hash;
  hash.update(fmt::format("{}\n", source.size()));
  if (source.is_remote()) hash.update(source.version() + "\n");
  const std::vector<ByteRange> samples = samples_of(source);
  for (const ByteRange& sample : samples) source.will_need(sample.offset, sample.bytes);
  std::vector<std::byte> buffer;
  for (const ByteRange& sample : samples) {
    buffer.resize(static_cast<size_t>(sample.bytes));
    source.read_at(sample.offset, buffer);
    hash.update(buffer);
  }
  return hash.hex();
}

std::string source_sha256(const ByteSource& source) {
  std::vector<ByteRange> parts;
  for (int64_t offset = 0; offset < source.size(); offset += kSampleBytes) {
    parts.push_back({offset, std::min(kSampleBytes, source.size() - offset)});
  }
  const auto plan = source.plan_reads(parts);
  Sha256 hash;
  std::vector<std::byte> buffer;
  for (const ByteRange& part : parts) {
    buffer.resize(static_cast<size_t>(part.bytes));
    source.read_at(part.offset, buffer);
    hash.update(buffer);
  }
  return hash.hex();
}

std::string file_sha256(const std::string& path) { return source_sha256(*open_file(path)); }

}  // namespace lamella::io
