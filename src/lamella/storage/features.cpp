// SPDX-License-Identifier: Apache-2.0
// Features in TRIDENT's HDF5 layout, written and read a few rows at a time.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/feature/feature_rows.h"
#include "lamella/io/files.h"
#include "lamella/storage/feature_table_internal.h"
#include "lamella/storage/plan_rows_internal.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

namespace {

constexpr int64_t kMaxColumns = 1 << 20;
constexpr float kMaxHalf = 65504;

void require_half(std::span<const float> values, int64_t first, int64_t columns,
                  const std::string& path) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::abs(values[i]) <= kMaxHalf) continue;
    const auto at = static_cast<int64_t>(i);
    throw Error(ErrorCode::kLimit,
                fmt::format("row {}, column {}: found {}, expected at most {} for float16; store "
                            "these features as float32",
                            first + at / columns, at % columns, values[i], kMaxHalf),
                path);
  }
}

}  // namespace

std::string_view to_string(FeatureType type) {
  return type == FeatureType::kFloat16 ? "float16" : "float32";
}

FeatureType parse_feature_type(const std::string& text) {
  if (text == "float32") return FeatureType::kFloat32;
  if (text == "float16") return FeatureType::kFloat16;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("found the type of features '{}', expected float32 or float16", text));
}

void write_feature_rows(Hdf5File& file, const std::string& dataset, int64_t rows,
                        const FeatureTable& table, bool compressed, const FillRows& fill,
                        const std::string& path) {
  const bool half = table.type == FeatureType::kFloat16;
  const Hdf5Id stored(half ? half_type() : Hdf5Id(H5Tcopy(H5T_IEEE_F32LE)));
  file.create_dataset(dataset, stored.get(), {rows, table.columns, compressed});
  std::vector<float> values;
  for (int64_t first = 0; first < rows; first += kChunkRows) {
    const int64_t count = std::min(kChunkRows, rows - first);
    values.resize(static_cast<size_t>(count * table.columns));
    fill(first, values);
    if (half) require_half(values, first, table.columns, path);
    file.write_rows(dataset, H5T_NATIVE_FLOAT, values.data(), first, count);
  }
}

namespace {

void fill_file(Hdf5File& file, const patch::PatchPlan& plan, const FeatureTable& table,
               const std::string& key, const std::string& path, const FillRows& fill) {
  write_rows(file, plan, key);
  write_feature_rows(file, "features", static_cast<int64_t>(plan.rows.size()), table, true, fill,
                     path);
  file.set_text("features", "name", plan.slide_id);
  file.set_text("features", "savetodir", "None");
  file.set_text("features", "encoder", feature::encoder_name(table.feature_space));
  file.set_text("features", "feature_space", table.feature_space);
  file.set_text("features", "precision", table.precision);
}

FeatureTable table_of(const FeatureFile& features, FeatureType type, const std::string& path) {
  const feature::FeatureMatrix& matrix = features.features;
  if (matrix.rows != static_cast<int64_t>(features.plan.rows.size())) {
    throw Error(
        ErrorCode::kInternal,
        fmt::format("{} features for {} planned rows", matrix.rows, features.plan.rows.size()),
        path);
  }
  return {matrix.columns, matrix.feature_space, matrix.precision, type};
}

FillRows rows_of(const feature::FeatureMatrix& matrix) {
  return [&matrix](int64_t first, std::span<float> out) {
    const float* from = matrix.values.data() + first * matrix.columns;
    std::copy_n(from, out.size(), out.data());
  };
}

}  // namespace

void write_feature_table(const patch::PatchPlan& plan, const FeatureTable& table,
                         const std::string& key, const std::string& path, const FillRows& fill) {
  const Hdf5Lock lock;
  io::replace_file(path, [&](const std::string& place) {
    Hdf5File file = Hdf5File::create(place, path);
    fill_file(file, plan, table, key, path, fill);
    file.flush();
  });
}

void write_features(const FeatureFile& features, const std::string& key, const std::string& path,
                    FeatureType type) {
  write_feature_table(features.plan, table_of(features, type, path), key, path,
                      rows_of(features.features));
}

std::string features_to_bytes(const FeatureFile& features, const std::string& key) {
  const std::string name = "the features of " + features.plan.slide_id;
  const Hdf5Lock lock;
  Hdf5File file = Hdf5File::create_in_memory(name);
  fill_file(file, features.plan, table_of(features, FeatureType::kFloat32, name), key, name,
            rows_of(features.features));
  return file.bytes();
}

struct FeatureReader::State {
  State(Hdf5File opened, const std::string& path);

  Hdf5File file;
  patch::PatchPlan plan;
  int64_t columns = 0;
  std::string feature_space, precision;
  FeatureType type = FeatureType::kFloat32;
};

FeatureReader::State::State(Hdf5File opened, const std::string& path) : file(std::move(opened)) {
  if (!file.has("features")) file.fail_corrupt("has no dataset 'features'; is it a plan?");
  plan = read_rows(file, path);
  const std::vector<int64_t> shape = file.shape("features");
  if (shape.size() != 2 || shape[0] != static_cast<int64_t>(plan.rows.size()) || shape[1] < 1 ||
      shape[1] > kMaxColumns) {
    file.fail_corrupt("dataset 'features' is not of shape (rows of coords, dimension)");
  }
  columns = shape[1];
  feature_space = file.required_text("features", "feature_space");
  precision = file.required_text("features", "precision");
  if (file.is_half("features")) type = FeatureType::kFloat16;
}

FeatureReader::FeatureReader(const std::string& path) {
  const Hdf5Lock lock;
  state_ = std::make_unique<State>(Hdf5File::open(path), path);
}

FeatureReader::FeatureReader(std::unique_ptr<State> state) : state_(std::move(state)) {}

FeatureReader::~FeatureReader() {
  const Hdf5Lock lock;
  state_.reset();
}

const patch::PatchPlan& FeatureReader::plan() const { return state_->plan; }
int64_t FeatureReader::columns() const { return state_->columns; }
const std::string& FeatureReader::feature_space() const { return state_->feature_space; }
const std::string& FeatureReader::precision() const { return state_->precision; }
FeatureType FeatureReader::type() const { return state_->type; }

feature::FeatureMatrix FeatureReader::read(int64_t first, int64_t count) const {
  const Hdf5Lock lock;
  feature::FeatureMatrix matrix;
  matrix.rows = count;
  matrix.columns = state_->columns;
  matrix.values.resize(static_cast<size_t>(checked_mul(count, matrix.columns, "features")));
  if (type() == FeatureType::kFloat16) {  // faster than HDF5's own conversion, and as exact
    feature::floats_of(read_halves(first, count), matrix.values.data());
  } else if (count > 0) {
    state_->file.read_rows("features", H5T_NATIVE_FLOAT, matrix.values.data(), first, count);
  }
  matrix.feature_space = state_->feature_space;
  matrix.precision = state_->precision;
  return matrix;
}

std::vector<uint16_t> FeatureReader::read_halves(int64_t first, int64_t count) const {
  const Hdf5Lock lock;
  std::vector<uint16_t> halves(
      static_cast<size_t>(checked_mul(count, state_->columns, "features")));
  if (count > 0) {
    state_->file.read_rows("features", half_type().get(), halves.data(), first, count);
  }
  return halves;
}

FeatureFile read_all(const FeatureReader& reader) {
  FeatureFile file;
  file.plan = reader.plan();
  file.features = reader.read(0, static_cast<int64_t>(file.plan.rows.size()));
  return file;
}

void require_readable(const FeatureReader& reader) {
  const auto rows = static_cast<int64_t>(reader.plan().rows.size());
  for (int64_t first = 0; first < rows; first += kChunkRows) {
    reader.read(first, std::min(kChunkRows, rows - first));
  }
}

FeatureFile read_features(const std::string& path) { return read_all(FeatureReader(path)); }

FeatureFile features_from_bytes(std::string_view bytes, const std::string& name) {
  const Hdf5Lock lock;
  using State = FeatureReader::State;
  return read_all(FeatureReader(std::make_unique<State>(Hdf5File::open_bytes(bytes, name), name)));
}

}  // namespace lamella::storage
