// SPDX-License-Identifier: Apache-2.0
// Feature files of TRIDENT, CLAM and STAMP, read as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/feature/feature.h"
#include "lamella/io/text_file.h"

namespace lamella::storage {

enum class ForeignLayout { kTrident, kClam, kStamp };
std::string_view to_string(ForeignLayout layout);

struct ForeignFeatures {
  ForeignLayout layout = ForeignLayout::kTrident;
  // Top-left corners as stored: level-0 px, or µm (kStamp).
  std::vector<PointF> positions;
  std::optional<double> patch_px;       // side given to the network
  std::optional<double> extent_px;      // side in level-0 px (kTrident)
  std::optional<double> extent_um;      // side in µm (kStamp)
  std::optional<int> patch_level;       // level that patch_px is of (kClam)
  std::optional<double> downsample;     // of that level, where the file says it (kClam)
  std::optional<SizePx> slide_size_px;  // where the file says it
  std::string encoder;                  // as the file names it, "" if it does not
  feature::FeatureMatrix features;      // without a feature space
};

// `coords`, "" for none: CLAM's file of patches/, which says their size where h5_files/ does not.
// TRIDENT is told by patch_size_level0, STAMP by feats and µm, CLAM by patch_level or by having
// neither. Error kNotFound; kCorrupt: no such file, shapes that do not fit each other, positions
// that are no numbers; kLimit: more numbers than a file has bytes for.
ForeignFeatures read_foreign_features(const std::string& path, const std::string& coords,
                                      io::Notes notes);

}  // namespace lamella::storage
