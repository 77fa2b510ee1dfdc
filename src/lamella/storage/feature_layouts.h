// SPDX-License-Identifier: Apache-2.0
// Features in the layouts that other programs read. lamella's own files are TRIDENT's.
#pragma once

#include <string>
#include <string_view>

#include "lamella/storage/storage.h"

namespace lamella::storage {

// kClam: what CLAM keeps in h5_files/: "features" N x d float32, "coords" N x 2 int32, level-0 px,
// both without compression and resizable. kStamp: "feats" N x d float16, "coords" N x 2 float32 in
// µm, the tile's size in attributes of the file.
enum class FeatureLayout { kClam, kStamp };
std::string_view to_string(FeatureLayout layout);
// Error kInvalidArgument with the known ones.
FeatureLayout parse_feature_layout(const std::string& text);

// Rows in the plan's order, a chunk in memory at a time. extractor: the encoder's name, for STAMP.
// Error kInvalidArgument: kStamp of a slide without µm per pixel; kLimit: a number that float16, or
// a position that int32 cannot hold; kIo.
void export_features(const FeatureReader& features, FeatureLayout layout, const std::string& path);

}  // namespace lamella::storage
