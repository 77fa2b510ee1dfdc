// SPDX-License-Identifier: Apache-2.0
// Tables for whoever reads Arrow's C stream interface (pyarrow, polars, duckdb), without Arrow
// itself: https://arrow.apache.org/docs/format/CStreamInterface.html
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lamella::python {

namespace nb = nanobind;

template <typename T>
struct ArrowFormat;
template <>
struct ArrowFormat<int64_t> {
  static constexpr const char* kLetter = "l";
};
template <>
struct ArrowFormat<int8_t> {
  static constexpr const char* kLetter = "c";
};
template <>
struct ArrowFormat<float> {
  static constexpr const char* kLetter = "f";
};
template <>
struct ArrowFormat<double> {
  static constexpr const char* kLetter = "g";
};

struct ArrowColumn {
  std::string name;
  std::string format;                 // ArrowFormat's letter
  const void* values = nullptr;       // one after another
  std::shared_ptr<const void> owner;  // keeps the values; let go on any thread
  int64_t list_size = 0;              // above 0: a row is a list of so many values
};

// A column that shows `values` of what `owner` keeps alive.
template <typename T>
ArrowColumn arrow_column(std::string name, const T* values, std::shared_ptr<const void> owner,
                         int64_t list_size = 0) {
  return {std::move(name), ArrowFormat<T>::kLetter, values, std::move(owner), list_size};
}

// A column of its own memory.
template <typename T>
ArrowColumn arrow_column(std::string name, std::vector<T> values) {
  const auto kept = std::make_shared<const std::vector<T>>(std::move(values));
  return arrow_column(std::move(name), kept->data(), kept);
}

// Keeps a Python object until the last copy is gone, on whatever thread.
std::shared_ptr<const void> keep_alive(nb::handle object);

// A stream of one batch of `rows` rows, as the capsule that __arrow_c_stream__ returns.
nb::capsule arrow_stream(int64_t rows, std::vector<ArrowColumn> columns,
                         const std::map<std::string, std::string>& metadata);

}  // namespace lamella::python
