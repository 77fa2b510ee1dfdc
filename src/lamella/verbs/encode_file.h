// SPDX-License-Identifier: Apache-2.0
// The verb encode from a slide to a feature file, which a killed process goes on with.
#pragma once

#include <memory>
#include <string>

#include "lamella/base/context.h"
#include "lamella/encoder/encoder.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"

namespace lamella::verbs {

struct EncodeFileOptions {
  storage::FeatureType type = storage::FeatureType::kFloat32;
  std::string key;        // stored in the file
  std::string spool_key;  // what is done is found by; holds all that the features depend on
};

struct EncodedFile {
  int64_t patches = 0;  // encoded now
  int64_t resumed = 0;  // found in what an earlier, killed process left
  double seconds = 0;   // encoding
};

// Writes the plan's features to `path`. At most 4,096 rows are in memory, and no more are lost
// when the process is killed: <path>.part is gone on with by the next call of the same spool_key.
// The file is the same, byte for byte, wherever the work was cut.
// Errors: those of encoder::stream_features and storage::FeatureSpool; finished rows stay.
// kMismatch if the slide was written to meanwhile; none stay.
EncodedFile encode_to_file(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                           encoder::Encoder& encoder, const EncodeFileOptions& options,
                           const std::string& path, const Context& context);

// The key of features that 'lamella encode' makes of a plan file.
std::string encoding_key(const std::string& plan_path, const slide::SlideInfo& slide,
                         const encoder::EncoderInfo& encoder, encoder::Precision precision);

}  // namespace lamella::verbs
