// SPDX-License-Identifier: Apache-2.0
// libFuzzer: HDF5 files that are well formed and yet none of ours: datasets that are missing, of
// other shapes and types, attributes of other kinds, any text as the plan. Only lamella::Error may
// come out, and memory stays bounded. What the HDF5 library makes of damaged bytes is not ours.
//
// Input: kControls bytes that choose, then the text of the plan.
#include <array>
#include <cstdlib>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/storage/hdf5_internal.h"
#include "lamella/storage/storage.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::storage {
namespace {

constexpr size_t kControls = 12;
constexpr int64_t kMaxValues = 1 << 20;  // of features that are written or read here

class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  int next(int below) {
    const auto byte = static_cast<unsigned char>(bytes_[at_++ % kControls]);
    return byte % below;
  }
  // Few, many, or more than any file holds.
  int64_t rows() {
    static constexpr std::array<int64_t, 8> kRows = {0,    1,     3,         3,
                                                     1024, 70000, 500000000, int64_t{1} << 40};
    return kRows[static_cast<size_t>(next(kRows.size()))];
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

hid_t some_type(int choice) {
  const std::array<hid_t, 5> types = {H5T_NATIVE_INT64, H5T_NATIVE_INT8, H5T_NATIVE_FLOAT,
                                      H5T_NATIVE_DOUBLE, H5T_C_S1};
  return types[static_cast<size_t>(choice)];
}

// A dataset whose rows are written only if they are few; else the file claims them alone.
void put_dataset(Hdf5File& file, const std::string& name, Choices& choices, int64_t columns) {
  const int presence = choices.next(8);
  if (presence == 0) return;
  const hid_t type = presence == 1 ? some_type(choices.next(5)) : H5T_NATIVE_FLOAT;
  const int64_t rows = choices.rows();
  file.create_dataset(name, type, {rows, columns, presence % 2 == 0});
  const int64_t count = rows * std::max<int64_t>(columns, 1);
  if (rows > 0 && rows <= 1024 && count <= kMaxValues && type == H5T_NATIVE_FLOAT) {
    const std::vector<float> values(static_cast<size_t>(count));
    file.write_rows(name, type, values.data(), 0, rows);
  }
}

void put_text(Hdf5File& file, const std::string& dataset, const std::string& name, int choice,
              const std::string& text) {
  if (choice == 0 || !file.has(dataset)) return;
  if (choice == 1) {
    file.set_int(dataset, name, 7);
  } else {
    file.set_text(dataset, name, text);
  }
}

void make_file(const std::string& path, std::string_view input) {
  const Hdf5Lock lock;
  Choices choices(input.substr(0, kControls));
  const std::string plan(input.substr(kControls));
  Hdf5File file = Hdf5File::create(path, path);
  put_dataset(file, "coords", choices, choices.next(4));
  put_dataset(file, "label", choices, 0);
  put_dataset(file, "tissue_fraction", choices, 0);
  put_dataset(file, "inside_fraction", choices, choices.next(8) == 0 ? 2 : 0);
  put_dataset(file, "features", choices, choices.next(8) == 0 ? int64_t{1} << 19 : 5);
  put_text(file, "coords", "lamella_plan", choices.next(8), plan);
  put_text(file, "coords", "lamella_key", choices.next(8), plan);
  put_text(file, "features", "feature_space", choices.next(8), plan);
  put_text(file, "features", "precision", choices.next(8), "f32");
}

void read_file(const std::string& path) {
  try {
    read_plan(path);
  } catch (const Error&) {
  }
  read_key(path);
  try {
    const FeatureReader reader(path);
    const auto rows = static_cast<int64_t>(reader.plan().rows.size());
    if (rows * reader.columns() > kMaxValues) return;
    require_readable(reader);
    if (read_all(reader).features.rows != rows) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace lamella::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamella;
  static const lamella::test::TemporaryFolder folder(
      lamella::test::TemporaryFolder::Place::kMemory);
  if (size < storage::kControls) return -1;
  const std::string path = folder.file("features.h5");
  try {
    storage::make_file(path, {reinterpret_cast<const char*>(data), size});
  } catch (const Error&) {
    return -1;  // HDF5 has no such file
  }
  storage::read_file(path);
  return 0;
}
