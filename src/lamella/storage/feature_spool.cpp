// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/feature_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/files.h"
#include "lamella/io/locked_file.h"
#include "lamella/patch/left_out.h"
#include "lamella/storage/feature_table_internal.h"

namespace lamella::storage {

namespace {

constexpr uint32_t kTag = 0x4345'4950;  // "PIEC"
constexpr size_t kHashBytes = 64;       // hexadecimal

struct PieceHead {
  uint32_t tag = kTag;
  uint32_t rows = 0;
};

bool read_all(int file, int64_t offset, std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(file, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + static_cast<int64_t>(done)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

int64_t size_of(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? status.st_size : 0;
}

constexpr std::string_view kEnding = ".part";

std::string part_path(const std::string& path) { return path + std::string(kEnding); }

std::string piece_hash(const std::string& header, std::span<const std::byte> piece) {
  Sha256 hash;
  hash.update(header);
  hash.update(piece);
  return hash.hex();
}

}  // namespace

FeatureSpool::FeatureSpool(std::string path, const std::string& key, int64_t rows, int64_t columns)
    : path_(std::move(path)),
      part_(part_path(path_)),
      header_(fmt::format("lamella features 1\n{}\n{} x {}\n", key, rows, columns)),
      columns_(columns),
      done_(static_cast<size_t>(rows)),
      place_(static_cast<size_t>(rows)),
      last_written_(std::chrono::steady_clock::now()) {
  io::make_folders(io::parent_folder(path_));
  open();
  end_ = read_pieces();
  const auto header = std::as_bytes(std::span(header_));
  if (::ftruncate(file_, end_) != 0 || (end_ == 0 && !io::write_all(file_, 0, header))) {
    const int error = errno;
    ::unlink(part_.c_str());
    ::close(file_);
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(error)), part_);
  }
  end_ = std::max(end_, static_cast<int64_t>(header_.size()));
}

FeatureSpool::~FeatureSpool() {
  if (file_ < 0) return;
  // Without a row it is of no use to anybody.
  if (end_ == static_cast<int64_t>(header_.size())) ::unlink(part_.c_str());
  ::close(file_);
}

void FeatureSpool::open() {
  // A file system without locks has no guard.
  const io::LockedFile file = io::open_locked(part_);
  if (file.state == io::LockedFile::State::kHeld) {
    ::close(file.descriptor);
    throw Error(ErrorCode::kIo, "another process is writing these features; wait for it", path_);
  }
  file_ = file.descriptor;
}

// Returns the end of the last whole piece, 0 if the file is not this key's.
int64_t FeatureSpool::read_pieces() {
  std::string found(header_.size(), '\0');
  if (!read_all(file_, 0, std::as_writable_bytes(std::span(found))) || found != header_) return 0;
  const int64_t size = size_of(file_);
  auto end = static_cast<int64_t>(header_.size());
  while (read_piece(end, size, &end)) {
  }
  return end;
}

bool FeatureSpool::read_piece(int64_t offset, int64_t size, int64_t* end) {
  PieceHead head;
  if (!read_all(file_, offset, std::as_writable_bytes(std::span(&head, 1)))) return false;
  if (head.tag != kTag || head.rows < 1 || head.rows > kSpoolRows) return false;
  const int64_t numbers = int64_t{head.rows} * static_cast<int64_t>(sizeof(uint32_t));
  const int64_t values = offset + static_cast<int64_t>(sizeof head) + numbers;
  const int64_t hash_at = values + checked_mul(head.rows, row_bytes(), "bytes of features");
  if (hash_at + static_cast<int64_t>(kHashBytes) > size) return false;
  std::vector<std::byte> piece(static_cast<size_t>(hash_at - offset));
  std::string hash(kHashBytes, '\0');
  if (!read_all(file_, offset, piece) ||
      !read_all(file_, hash_at, std::as_writable_bytes(std::span(hash))) ||
      hash != piece_hash(header_, piece)) {
    return false;
  }
  std::vector<uint32_t> rows(head.rows);
  std::memcpy(rows.data(), piece.data() + sizeof head, static_cast<size_t>(numbers));
  const auto is_wrong = [&](uint32_t row) { return row >= done_.size() || done_[row]; };
  if (std::any_of(rows.begin(), rows.end(), is_wrong)) return false;
  for (size_t i = 0; i < rows.size(); ++i) {
    done_[rows[i]] = 1;
    note(rows[i], values + static_cast<int64_t>(i) * row_bytes());
  }
  rows_done_ += head.rows;
  *end = hash_at + static_cast<int64_t>(kHashBytes);
  return true;
}

void FeatureSpool::note(uint32_t row, int64_t offset) { place_[row] = offset; }

void FeatureSpool::add(std::span<const uint32_t> rows, std::span<const float> values) {
  size_t at = 0;
  while (at < rows.size()) {
    const size_t count = std::min(rows.size() - at, static_cast<size_t>(kSpoolRows) - rows_.size());
    rows_.insert(rows_.end(), rows.begin() + static_cast<ptrdiff_t>(at),
                 rows.begin() + static_cast<ptrdiff_t>(at + count));
    const auto width = static_cast<size_t>(columns_);
    values_.insert(values_.end(), values.begin() + static_cast<ptrdiff_t>(at * width),
                   values.begin() + static_cast<ptrdiff_t>((at + count) * width));
    for (const uint32_t row : rows.subspan(at, count)) done_[row] = 1;
    at += count;
    rows_done_ += static_cast<int64_t>(count);
    if (rows_.size() == static_cast<size_t>(kSpoolRows)) write_piece();
  }
  if (std::chrono::steady_clock::now() - last_written_ >= kSpoolInterval) write_piece();
}

void FeatureSpool::flush() { write_piece(); }

void FeatureSpool::discard() {
  ::unlink(part_.c_str());
  ::close(file_);
  file_ = -1;
}

void FeatureSpool::write_piece() {
  last_written_ = std::chrono::steady_clock::now();
  if (rows_.empty()) return;
  PieceHead head;
  head.rows = static_cast<uint32_t>(rows_.size());
  std::vector<std::byte> piece;
  const auto append = [&](std::span<const std::byte> bytes) {
    piece.insert(piece.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(&head, 1)));
  append(std::as_bytes(std::span(rows_)));
  const int64_t values = end_ + static_cast<int64_t>(piece.size());
  append(std::as_bytes(std::span(values_)));
  const std::string hash = piece_hash(header_, piece);
  append(std::as_bytes(std::span(hash)));
  if (!io::write_all(file_, end_, piece) || ::fsync(file_) != 0) {
    const int error = errno;
    // Frees the room that a part of a piece takes; were it left, it would not be taken for one.
    if (::ftruncate(file_, end_) != 0) errno = error;
    throw Error(ErrorCode::kIo,
                fmt::format("cannot be written: {}; the {} rows before are kept",
                            std::strerror(error), rows_done_ - static_cast<int64_t>(rows_.size())),
                part_);
  }
  for (size_t i = 0; i < rows_.size(); ++i) {
    note(rows_[i], values + static_cast<int64_t>(i) * row_bytes());
  }
  end_ += static_cast<int64_t>(piece.size());
  rows_.clear();
  values_.clear();
}

// Rows that lie one after another in the spool are read at once.
void FeatureSpool::fill(int64_t first, std::span<float> out) const {
  const int64_t count = static_cast<int64_t>(out.size()) / columns_;
  for (int64_t i = 0; i < count;) {
    const int64_t offset = place_[static_cast<size_t>(first + i)];
    int64_t n = 1;
    while (i + n < count &&
           place_[static_cast<size_t>(first + i + n)] == offset + n * row_bytes()) {
      ++n;
    }
    const auto part =
        out.subspan(static_cast<size_t>(i * columns_), static_cast<size_t>(n * columns_));
    if (!read_all(file_, offset, std::as_writable_bytes(part))) {
      throw Error(ErrorCode::kIo, "cannot be read back; encode again", part_);
    }
    i += n;
  }
}

void FeatureSpool::finish(const patch::PatchPlan& plan, const Meaning& meaning,
                          const std::string& key,
                          const std::vector<slide::RegionFailure>& left_out) {
  flush();
  const auto rows = static_cast<int64_t>(plan.rows.size());
  const auto wanted = rows - static_cast<int64_t>(left_out.size());
  if (rows_done_ != wanted) {
    throw Error(ErrorCode::kInternal,
                fmt::format("found the features of {} rows, expected {} of the plan's {}",
                            rows_done_, wanted, rows),
                path_);
  }
  const patch::PatchPlan kept = patch::without_left_out(plan, left_out);
  patch::require_rows_left(kept);
  std::vector<int64_t> places;
  for (size_t row = 0; row < done_.size(); ++row) {
    if (done_[row]) places.push_back(place_[row]);
  }
  place_ = std::move(places);  // by row of what is kept
  write_feature_table(kept, {columns_, meaning.feature_space, meaning.precision, meaning.type}, key,
                      path_, [&](int64_t first, std::span<float> out) { fill(first, out); });
  discard();
}

void drop_spool(const std::string& path) { io::remove_unless_held(part_path(path)); }

void drop_other_spools(const std::string& folder, const std::set<std::string>& kept) {
  std::error_code error;
  std::vector<std::string> others;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    if (!name.ends_with(kEnding)) continue;
    name.resize(name.size() - kEnding.size());
    if (name.ends_with(".h5") && !kept.contains(name)) others.push_back(name);
  }
  for (const std::string& name : others) drop_spool(folder + "/" + name);
}

}  // namespace lamella::storage
