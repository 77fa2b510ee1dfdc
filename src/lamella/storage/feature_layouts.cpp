// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/feature_layouts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/storage/feature_table_internal.h"

namespace lamella::storage {

namespace {

int64_t rows_of(const FeatureReader& features) {
  return static_cast<int64_t>(features.plan().rows.size());
}

void copy_features(const FeatureReader& features, const std::string& dataset, FeatureType type,
                   const std::string& path, Hdf5File& file) {
  const FeatureTable table{features.columns(), features.feature_space(), "", type};
  const auto fill = [&](int64_t first, std::span<float> out) {
    const auto count = static_cast<int64_t>(out.size()) / table.columns;
    std::ranges::copy(features.read(first, count).values, out.begin());
  };
  write_feature_rows(file, dataset, rows_of(features), table, false, fill, path);
}

// CLAM reads patch_size pixels of patch_level, at level-0 positions.
void write_clam(const FeatureReader& features, const std::string& path, Hdf5File& file) {
  const patch::PatchPlan& plan = features.plan();
  std::vector<int32_t> coords;
  for (const patch::PatchRow& row : plan.rows) {
    for (const int64_t at : {row.x_px, row.y_px}) {
      if (at < std::numeric_limits<int32_t>::min() || at > std::numeric_limits<int32_t>::max()) {
        throw Error(ErrorCode::kLimit, fmt::format("found position {}, CLAM's are 32-bit", at),
                    path);
      }
      coords.push_back(static_cast<int32_t>(at));
    }
  }
  copy_features(features, "features", FeatureType::kFloat32, path, file);
  file.write("coords", H5T_NATIVE_INT32, coords.data(), {rows_of(features), 2, false});
  const patch::PatchGeometry& geometry = plan.geometry;
  const bool as_read = geometry.level_extent_x_px == geometry.size_px &&
                       geometry.level_extent_y_px == geometry.size_px;
  file.set_int("coords", "patch_level", as_read ? geometry.level : 0);
  file.set_int("coords", "patch_size",
               as_read ? geometry.size_px : std::llround(geometry.extent_x_px));
  file.set_text("coords", "name", plan.slide_id);
}

void write_stamp(const FeatureReader& features, const std::string& path, Hdf5File& file) {
  const patch::PatchPlan& plan = features.plan();
  if (!plan.mpp) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("slide '{}' has no µm per pixel, and STAMP's positions are in µm; plan "
                            "it with `slide_mpp`",
                            plan.slide_id),
                path);
  }
  std::vector<float> coords;
  for (const patch::PatchRow& row : plan.rows) {
    coords.push_back(static_cast<float>(static_cast<double>(row.x_px) * *plan.mpp));
    coords.push_back(static_cast<float>(static_cast<double>(row.y_px) * *plan.mpp));
  }
  copy_features(features, "feats", FeatureType::kFloat16, path, file);
  file.write("coords", H5T_NATIVE_FLOAT, coords.data(), {rows_of(features), 2, false});
  file.set_text("/", "unit", "um");
  file.set_double("/", "tile_size_um", plan.geometry.extent_x_px * *plan.mpp);
  file.set_int("/", "tile_size_px", plan.spec.size_px);
  file.set_text("/", "extractor", feature::encoder_name(features.feature_space()));
  file.set_text("/", "feat_type", "tile");
}

}  // namespace

std::string_view to_string(FeatureLayout layout) {
  return layout == FeatureLayout::kClam ? "clam" : "stamp";
}

FeatureLayout parse_feature_layout(const std::string& text) {
  if (text == "clam") return FeatureLayout::kClam;
  if (text == "stamp") return FeatureLayout::kStamp;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("found the layout '{}', expected clam or stamp (TRIDENT reads lamella's "
                          "own files as they are)",
                          text));
}

void export_features(const FeatureReader& features, FeatureLayout layout, const std::string& path) {
  const Hdf5Lock lock;
  io::replace_file(path, [&](const std::string& place) {
    Hdf5File file = Hdf5File::create(place, path);
    if (layout == FeatureLayout::kClam) {
      write_clam(features, path, file);
    } else {
      write_stamp(features, path, file);
    }
    file.set_text("/", "tool_version", "lamella " LAMELLA_VERSION);
    file.set_text("/", "feature_space", features.feature_space());
    file.flush();
  });
}

}  // namespace lamella::storage
