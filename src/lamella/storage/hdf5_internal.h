// SPDX-License-Identifier: Apache-2.0
// A little of HDF5's C interface with owners and errors. Debian's library is not thread-safe: every
// public function of this room that touches it holds one lock (Hdf5Lock).
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamella::storage {

inline constexpr int64_t kChunkRows = 1024;  // of a stored chunk

class Hdf5Lock {
 public:
  Hdf5Lock();  // also keeps the library from printing its errors

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

// Owns an id of any kind.
class Hdf5Id {
 public:
  explicit Hdf5Id(hid_t id) : id_(id) {}
  ~Hdf5Id();
  Hdf5Id(Hdf5Id&& other) noexcept : id_(other.id_) { other.id_ = -1; }
  Hdf5Id& operator=(Hdf5Id&&) = delete;
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
};

// IEEE 754 binary16, which HDF5 1.10 has no name for.
Hdf5Id half_type();

// An open file; `path` is what messages name (not the temporary name).
class Hdf5File {
 public:
  static Hdf5File create(const std::string& place, const std::string& path);
  // Error kNotFound, kCorrupt (not an HDF5 file).
  static Hdf5File open(const std::string& path);
  // The same in memory. `name` is what messages name.
  static Hdf5File create_in_memory(const std::string& name);
  static Hdf5File open_bytes(std::string_view bytes, const std::string& name);
  // Of a file in memory: what would lie on disk. Error kIo.
  std::string bytes();

  bool has(const std::string& dataset) const;
  // Error kCorrupt, too, if what is stored cannot be as many values.
  std::vector<int64_t> shape(const std::string& dataset) const;
  // Its numbers are IEEE 754 binary16.
  bool is_half(const std::string& dataset) const;

  // rows x columns, row-major, chunked along rows; columns 0 makes a 1-d dataset of `rows`.
  struct Shape {
    int64_t rows = 0;
    int64_t columns = 0;
    bool compressed = false;
  };
  void write(const std::string& dataset, hid_t type, const void* values, const Shape& shape);
  // The same in two steps, for what is written a few rows at a time. kChunkRows rows (or a
  // multiple) a call are written as they come, without being held.
  void create_dataset(const std::string& dataset, hid_t type, const Shape& shape);
  void write_rows(const std::string& dataset, hid_t type, const void* values, int64_t first,
                  int64_t count);
  // Rows [first, first + count) of a dataset of rank 1 or 2, converted to `type`.
  void read_rows(const std::string& dataset, hid_t type, void* values, int64_t first,
                 int64_t count) const;
  // The dataset must have `count` values in all; they are converted to `type`.
  void read(const std::string& dataset, hid_t type, void* values, int64_t count) const;

  // Of a dataset, or of the file: "/".
  void set_text(const std::string& dataset, const std::string& name, const std::string& value);
  void set_int(const std::string& dataset, const std::string& name, int64_t value);
  void set_double(const std::string& dataset, const std::string& name, double value);
  // nullopt if there is no such attribute, or it is not one number.
  std::optional<double> number(const std::string& dataset, const std::string& name) const;
  // nullopt if there is no such attribute of text type.
  std::optional<std::string> text(const std::string& dataset, const std::string& name) const;
  // Error kCorrupt naming dataset and attribute if it is missing.
  std::string required_text(const std::string& dataset, const std::string& name) const;

  // What is written so far reaches the operating system. Error kIo.
  void flush();
  [[noreturn]] void fail_corrupt(const std::string& what) const;

 private:
  Hdf5File(hid_t id, std::string path) : id_(id), path_(std::move(path)) {}
  Hdf5Id open_dataset(const std::string& name) const;
  void set_attribute(const std::string& dataset, const std::string& name, hid_t type,
                     const void* value);
  void check_written(bool good, const std::string& what) const;

  Hdf5Id id_;
  std::string path_;
};

}  // namespace lamella::storage
