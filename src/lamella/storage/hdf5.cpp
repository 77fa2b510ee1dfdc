// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/storage/hdf5_internal.h"

namespace lamella::storage {

namespace {

constexpr unsigned kDeflateLevel = 1;
constexpr double kMostCompressed = 1100;  // deflate gives at most 1032 bytes for one
constexpr size_t kMaxTextBytes = size_t{64} << 20;

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

}  // namespace

Hdf5Lock::Hdf5Lock() : lock_(library_mutex()) {
  // A file that a full disk kept from being closed would be closed again when the program ends, and
  // crash it. All others are closed by their owners.
  static const herr_t kNotAtExit = H5dont_atexit();
  static_cast<void>(kNotAtExit);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Id::~Hdf5Id() {
  if (id_ < 0) return;
  switch (H5Iget_type(id_)) {
    case H5I_FILE:
      H5Fclose(id_);
      break;
    case H5I_DATASET:
      H5Dclose(id_);
      break;
    case H5I_DATASPACE:
      H5Sclose(id_);
      break;
    case H5I_DATATYPE:
      H5Tclose(id_);
      break;
    case H5I_ATTR:
      H5Aclose(id_);
      break;
    case H5I_GENPROP_LST:
      H5Pclose(id_);
      break;
    default:
      break;
  }
}

Hdf5Id half_type() {
  Hdf5Id type(H5Tcopy(H5T_IEEE_F32LE));
  H5Tset_fields(type.get(), 15, 10, 5, 0, 10);  // sign, exponent and its bits, mantissa
  H5Tset_size(type.get(), 2);
  H5Tset_ebias(type.get(), 15);
  return type;
}

void Hdf5File::fail_corrupt(const std::string& what) const {
  throw Error(ErrorCode::kCorrupt, what + "; is it a file that lamella wrote?", path_);
}

void Hdf5File::check_written(bool good, const std::string& what) const {
  if (!good) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written ({}); is the disk full?", what),
                path_);
  }
}

Hdf5File Hdf5File::create(const std::string& place, const std::string& path) {
  const hid_t id = H5Fcreate(place.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) {
    throw Error(ErrorCode::kIo, "cannot be written; is the folder writable?", path);
  }
  return {id, path};
}

Hdf5File Hdf5File::open(const std::string& path) {
  if (!io::exists(path)) {
    throw Error(ErrorCode::kNotFound, "cannot be opened: No such file or directory", path);
  }
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (id < 0) {
    throw Error(ErrorCode::kCorrupt, "is not a readable HDF5 file; expected a plan or features",
                path);
  }
  return {id, path};
}

namespace {

constexpr size_t kMemoryStep = size_t{64} << 10;

// Files that live in memory alone.
Hdf5Id memory_driver() {
  Hdf5Id properties(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fapl_core(properties.get(), kMemoryStep, false);
  return properties;
}

}  // namespace

Hdf5File Hdf5File::create_in_memory(const std::string& name) {
  const Hdf5Id driver = memory_driver();
  const hid_t id = H5Fcreate("memory", H5F_ACC_TRUNC, H5P_DEFAULT, driver.get());
  if (id < 0) throw Error(ErrorCode::kIo, "cannot be made; is there memory left?", name);
  return {id, name};
}

Hdf5File Hdf5File::open_bytes(std::string_view bytes, const std::string& name) {
  const Hdf5Id driver = memory_driver();
  hid_t id = -1;
  std::string copy(bytes);  // the library wants it writable, and copies it itself
  if (H5Pset_file_image(driver.get(), copy.data(), copy.size()) >= 0) {
    id = H5Fopen("memory", H5F_ACC_RDONLY, driver.get());
  }
  if (id < 0) {
    throw Error(ErrorCode::kCorrupt,
                "are not those of a readable HDF5 file; expected a plan or "
                "features",
                name);
  }
  return {id, name};
}

std::string Hdf5File::bytes() {
  flush();
  const ssize_t size = H5Fget_file_image(id_.get(), nullptr, 0);
  check_written(size >= 0, "its bytes");
  std::string image(static_cast<size_t>(size), '\0');
  check_written(H5Fget_file_image(id_.get(), image.data(), image.size()) == size, "its bytes");
  return image;
}

bool Hdf5File::has(const std::string& dataset) const {
  return H5Lexists(id_.get(), dataset.c_str(), H5P_DEFAULT) > 0;
}

Hdf5Id Hdf5File::open_dataset(const std::string& name) const {
  Hdf5Id dataset(has(name) ? H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT) : -1);
  if (!dataset.valid()) fail_corrupt(fmt::format("has no dataset '{}'", name));
  return dataset;
}

std::vector<int64_t> Hdf5File::shape(const std::string& name) const {
  const Hdf5Id dataset = open_dataset(name);
  const Hdf5Id space(H5Dget_space(dataset.get()));
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0 || rank > 8) fail_corrupt(fmt::format("dataset '{}' has no shape", name));
  std::vector<hsize_t> sizes(static_cast<size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr);
  // Before somebody makes room for them.
  const Hdf5Id type(H5Dget_type(dataset.get()));
  const auto values = static_cast<double>(H5Sget_simple_extent_npoints(space.get()));
  const auto stored = static_cast<double>(H5Dget_storage_size(dataset.get()));
  if (values * static_cast<double>(H5Tget_size(type.get())) > stored * kMostCompressed) {
    fail_corrupt(
        fmt::format("dataset '{}' claims {:.0f} values, more than its {:.0f} bytes can hold", name,
                    values, stored));
  }
  return {sizes.begin(), sizes.end()};
}

bool Hdf5File::is_half(const std::string& name) const {
  const Hdf5Id dataset = open_dataset(name);
  const Hdf5Id type(H5Dget_type(dataset.get()));
  return H5Tequal(type.get(), half_type().get()) > 0;
}

void Hdf5File::create_dataset(const std::string& name, hid_t type, const Shape& shape) {
  const int rank = shape.columns > 0 ? 2 : 1;
  const hsize_t sizes[2] = {static_cast<hsize_t>(shape.rows), static_cast<hsize_t>(shape.columns)};
  const hsize_t limits[2] = {H5S_UNLIMITED, static_cast<hsize_t>(shape.columns)};
  const hsize_t chunk[2] = {std::clamp<hsize_t>(sizes[0], 1, hsize_t{kChunkRows}), sizes[1]};
  const Hdf5Id space(H5Screate_simple(rank, sizes, limits));
  const Hdf5Id properties(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(properties.get(), rank, chunk);
  // The same values are the same bytes, whenever they are written.
  H5Pset_obj_track_times(properties.get(), false);
  if (shape.compressed) {
    H5Pset_shuffle(properties.get());
    H5Pset_deflate(properties.get(), kDeflateLevel);
  }
  const Hdf5Id dataset(H5Dcreate2(id_.get(), name.c_str(), type, space.get(), H5P_DEFAULT,
                                  properties.get(), H5P_DEFAULT));
  check_written(dataset.valid(), name);
}

void Hdf5File::write(const std::string& name, hid_t type, const void* values, const Shape& shape) {
  create_dataset(name, type, shape);
  if (shape.rows > 0) write_rows(name, type, values, 0, shape.rows);
}

namespace {

// Selects rows of a dataset's space; returns the space of as many rows in memory.
Hdf5Id select_rows(const Hdf5Id& space, int64_t first, int64_t count) {
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 1 || rank > 2) return Hdf5Id(-1);
  hsize_t sizes[2] = {0, 0};
  H5Sget_simple_extent_dims(space.get(), sizes, nullptr);
  if (first < 0 || count < 0 || static_cast<hsize_t>(first + count) > sizes[0]) return Hdf5Id(-1);
  const hsize_t start[2] = {static_cast<hsize_t>(first), 0};
  sizes[0] = static_cast<hsize_t>(count);
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, sizes, nullptr);
  return Hdf5Id(H5Screate_simple(rank, sizes, nullptr));
}

}  // namespace

void Hdf5File::write_rows(const std::string& name, hid_t type, const void* values, int64_t first,
                          int64_t count) {
  const Hdf5Id dataset = open_dataset(name);
  const Hdf5Id space(H5Dget_space(dataset.get()));
  const Hdf5Id memory = select_rows(space, first, count);
  check_written(memory.valid() && H5Dwrite(dataset.get(), type, memory.get(), space.get(),
                                           H5P_DEFAULT, values) >= 0,
                name);
}

void Hdf5File::read_rows(const std::string& name, hid_t type, void* values, int64_t first,
                         int64_t count) const {
  const Hdf5Id dataset = open_dataset(name);
  const Hdf5Id space(H5Dget_space(dataset.get()));
  const Hdf5Id memory = select_rows(space, first, count);
  if (!memory.valid() ||
      H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, values) < 0) {
    fail_corrupt(fmt::format("rows {} to {} of dataset '{}' cannot be read", first,
                             first + count - 1, name));
  }
}

void Hdf5File::read(const std::string& name, hid_t type, void* values, int64_t count) const {
  const Hdf5Id dataset = open_dataset(name);
  const Hdf5Id space(H5Dget_space(dataset.get()));
  const hssize_t found = H5Sget_simple_extent_npoints(space.get());
  if (found != count) {
    fail_corrupt(fmt::format("dataset '{}' has {} values, expected {}", name, found, count));
  }
  if (count == 0) return;
  if (H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    fail_corrupt(fmt::format("dataset '{}' cannot be read", name));
  }
}

void Hdf5File::set_attribute(const std::string& dataset_name, const std::string& name, hid_t type,
                             const void* value) {
  const Hdf5Id object(H5Oopen(id_.get(), dataset_name.c_str(), H5P_DEFAULT));
  const Hdf5Id space(H5Screate(H5S_SCALAR));
  const Hdf5Id attribute(
      H5Acreate2(object.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT));
  check_written(attribute.valid() && H5Awrite(attribute.get(), type, value) >= 0, name);
}

void Hdf5File::set_text(const std::string& dataset, const std::string& name,
                        const std::string& value) {
  // Variable length and UTF-8: what h5py reads as str.
  const Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const char* text = value.c_str();
  set_attribute(dataset, name, type.get(), &text);
}

void Hdf5File::set_int(const std::string& dataset, const std::string& name, int64_t value) {
  set_attribute(dataset, name, H5T_NATIVE_INT64, &value);
}

void Hdf5File::set_double(const std::string& dataset, const std::string& name, double value) {
  set_attribute(dataset, name, H5T_NATIVE_DOUBLE, &value);
}

std::optional<double> Hdf5File::number(const std::string& dataset_name,
                                       const std::string& name) const {
  if (dataset_name != "/" && !has(dataset_name)) return {};
  const Hdf5Id object(H5Oopen(id_.get(), dataset_name.c_str(), H5P_DEFAULT));
  if (!object.valid() || H5Aexists(object.get(), name.c_str()) <= 0) return {};
  const Hdf5Id attribute(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  const H5T_class_t kind = H5Tget_class(type.get());
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) ||
      H5Sget_simple_extent_npoints(space.get()) != 1) {
    return {};
  }
  double value = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0) return {};
  return value;
}

namespace {

// As other programs than h5py write it: filled up by zeros or, as Fortran does, by spaces.
std::optional<std::string> fixed_text(hid_t attribute, hid_t type) {
  std::string value(std::min(H5Tget_size(type), kMaxTextBytes + 1), '\0');
  if (value.size() > kMaxTextBytes || H5Aread(attribute, type, value.data()) < 0) return {};
  value.resize(std::min(value.find('\0'), value.size()));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) value.erase(value.find_last_not_of(' ') + 1);
  return value;
}

}  // namespace

std::optional<std::string> Hdf5File::text(const std::string& dataset_name,
                                          const std::string& name) const {
  if (dataset_name != "/" && !has(dataset_name)) return {};
  const Hdf5Id dataset(H5Oopen(id_.get(), dataset_name.c_str(), H5P_DEFAULT));
  if (!dataset.valid()) return {};
  if (H5Aexists(dataset.get(), name.c_str()) <= 0) return {};
  const Hdf5Id attribute(H5Aopen(dataset.get(), name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_STRING || H5Sget_simple_extent_npoints(space.get()) != 1) {
    return {};
  }
  if (H5Tis_variable_str(type.get()) <= 0) return fixed_text(attribute.get(), type.get());
  char* text = nullptr;
  if (H5Aread(attribute.get(), type.get(), &text) < 0 || !text) return {};
  const std::string value(text, std::min(std::char_traits<char>::length(text), kMaxTextBytes));
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, &text);
  return value;
}

std::string Hdf5File::required_text(const std::string& dataset, const std::string& name) const {
  auto value = text(dataset, name);
  if (!value) fail_corrupt(fmt::format("dataset '{}' has no attribute '{}'", dataset, name));
  return *std::move(value);
}

void Hdf5File::flush() { check_written(H5Fflush(id_.get(), H5F_SCOPE_GLOBAL) >= 0, "flush"); }

}  // namespace lamella::storage
