// SPDX-License-Identifier: Apache-2.0
// What TRIDENT, CLAM and STAMP store, and what their `patch_size` means (docs/interop.md).
#include "lamella/storage/foreign_features.h"

#include <fmt/format.h>

#include <cmath>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/storage/hdf5_internal.h"

namespace lamella::storage {

namespace {

constexpr int64_t kMaxRows = int64_t{1} << 31, kMaxColumns = 1 << 20;

// TRIDENT writes absent values as the text 'None'.
std::string word(const Hdf5File& file, const std::string& dataset, const char* name) {
  const std::string text = file.text(dataset, name).value_or("");
  return text == "None" ? std::string() : text;
}

std::optional<double> positive(const Hdf5File& file, const std::string& dataset, const char* name) {
  const std::optional<double> value = file.number(dataset, name);
  if (!value) return {};
  if (!(*value > 0 && *value < 1e9)) {
    file.fail_corrupt(fmt::format("attribute '{}' of '{}' is {}, expected a number above 0", name,
                                  dataset, *value));
  }
  return value;
}

// A leading 1 (some writers keep a batch axis) is taken off.
std::vector<int64_t> table_shape(const Hdf5File& file, const std::string& dataset) {
  std::vector<int64_t> shape = file.shape(dataset);
  if (shape.size() == 3 && shape[0] == 1) shape.erase(shape.begin());
  if (shape.size() != 2 || shape[0] > kMaxRows || shape[1] < 1 || shape[1] > kMaxColumns) {
    file.fail_corrupt(fmt::format("dataset '{}' is not of shape (patches, numbers)", dataset));
  }
  return shape;
}

void read_positions(const Hdf5File& file, ForeignFeatures& read) {
  const std::vector<int64_t> shape = table_shape(file, "coords");
  if (shape[1] != 2) file.fail_corrupt("dataset 'coords' is not of shape (patches, 2)");
  std::vector<double> values(static_cast<size_t>(2 * shape[0]));
  file.read("coords", H5T_NATIVE_DOUBLE, values.data(), static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); i += 2) {
    if (!(std::abs(values[i]) < 1e9 && std::abs(values[i + 1]) < 1e9)) {
      file.fail_corrupt(fmt::format("row {} of 'coords' is {}, {}; expected level-0 px or µm",
                                    i / 2, values[i], values[i + 1]));
    }
    read.positions.push_back({values[i], values[i + 1]});
  }
}

void read_values(const Hdf5File& file, const std::string& dataset, ForeignFeatures& read) {
  const std::vector<int64_t> shape = table_shape(file, dataset);
  if (shape[0] != static_cast<int64_t>(read.positions.size())) {
    file.fail_corrupt(fmt::format("'{}' has {} rows and 'coords' {}; expected as many of each",
                                  dataset, shape[0], read.positions.size()));
  }
  read.features.rows = shape[0];
  read.features.columns = shape[1];
  read.features.precision = "f32";
  read.features.values.resize(static_cast<size_t>(checked_mul(shape[0], shape[1], "features")));
  file.read(dataset, H5T_NATIVE_FLOAT, read.features.values.data(),
            static_cast<int64_t>(read.features.values.size()));
  for (size_t i = 0; i < read.features.values.size(); ++i) {
    if (std::isfinite(read.features.values[i])) continue;
    file.fail_corrupt(fmt::format("row {} of '{}' holds a number that is none",
                                  static_cast<int64_t>(i) / shape[1], dataset));
  }
}

// Of the file that has the coordinates' attributes.
void read_geometry(const Hdf5File& file, ForeignFeatures& read) {
  read.patch_px = positive(file, "coords", "patch_size");
  read.extent_px = positive(file, "coords", "patch_size_level0");
  const auto width = positive(file, "coords", "level0_width");
  const auto height = positive(file, "coords", "level0_height");
  if (width && height) {
    read.slide_size_px = SizePx{std::llround(*width), std::llround(*height)};
  }
  if (read.extent_px) {
    read.layout = ForeignLayout::kTrident;
    return;
  }
  read.layout = ForeignLayout::kClam;
  if (const auto level = file.number("coords", "patch_level")) {
    if (!(*level >= 0 && *level < 64)) file.fail_corrupt("attribute 'patch_level' is no level");
    read.patch_level = static_cast<int>(*level);
  }
  read.downsample = positive(file, "coords", "custom_downsample");
}

}  // namespace

std::string_view to_string(ForeignLayout layout) {
  switch (layout) {
    case ForeignLayout::kTrident:
      return "TRIDENT";
    case ForeignLayout::kClam:
      return "CLAM";
    case ForeignLayout::kStamp:
      return "STAMP";
  }
  return "";
}

ForeignFeatures read_foreign_features(const std::string& path, const std::string& coords,
                                      io::Notes notes) {
  const Hdf5Lock lock;
  const Hdf5File file = Hdf5File::open(path);
  ForeignFeatures read;
  read_positions(file, read);
  if (file.has("feats")) {
    read.layout = ForeignLayout::kStamp;
    read.extent_um = positive(file, "/", "tile_size_um");
    read.patch_px = positive(file, "/", "tile_size_px");
    read.encoder = word(file, "/", "extractor");
    const std::string unit = word(file, "/", "unit");
    if (!unit.empty() && unit != "um") {
      file.fail_corrupt(fmt::format("attribute 'unit' is '{}', expected 'um'", unit));
    }
    if (!read.extent_um) file.fail_corrupt("has no attribute 'tile_size_um'");
    read_values(file, "feats", read);
    return read;
  }
  if (!file.has("features")) {
    file.fail_corrupt("has neither 'features' (TRIDENT, CLAM) nor 'feats' (STAMP)");
  }
  read.encoder = word(file, "features", "encoder");
  read_values(file, "features", read);
  if (coords.empty()) {
    read_geometry(file, read);
  } else {
    const Hdf5File places = Hdf5File::open(coords);
    ForeignFeatures other;
    read_positions(places, other);
    if (other.positions != read.positions) {
      places.fail_corrupt(fmt::format("its positions are not those of {}", path));
    }
    read_geometry(places, read);
  }
  if (notes && read.layout == ForeignLayout::kClam && read.patch_px && !read.patch_level) {
    notes->push_back(
        "'patch_size' stands without a level: it is taken as level-0 px (give `extent_px` "
        "otherwise)");
  }
  return read;
}

}  // namespace lamella::storage
