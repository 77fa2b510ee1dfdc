// SPDX-License-Identifier: Apache-2.0
// The verb encode: a plan's patches become features, in memory or in a file that a killed process
// goes on with.
#pragma once

#include <memory>
#include <string>

#include "lamella/base/context.h"
#include "lamella/encoder/encoder.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/piece_key.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/compare_int8.h"

namespace lamella::verbs {

struct EncodeHow {
  slide::OnDamage on_damage = slide::OnDamage::kFail;
  int64_t int8_check = kComparedPatches;  // patches on which int8 is compared with f32
};

// Of the plan's rows, in memory. An int8 encoder is compared with f32 (compare_int8); what is to be
// warned about is among the result's plan's warnings, too. With `on_damage` skip, patches that
// cannot be read are left out: the result's plan has only the others (or none), names what was left
// out, and a warning counts them. Errors: those of encoder::stream_features; kMismatch if the plan
// is another slide's, or the slide was written to meanwhile.
storage::FeatureFile encode_slide(std::shared_ptr<const slide::Slide> slide,
                                  const patch::PatchPlan& plan, encoder::Encoder& encoder,
                                  const EncodeHow& how, const Context& context);

struct EncodeFileOptions {
  storage::FeatureType type = storage::FeatureType::kFloat32;
  // Stored in the file, and what half-made features are found by: it holds all that the features
  // depend on. "": nothing is stored, and they are found by slide, plan, encoder and precision.
  std::string key;
  EncodeHow how;
};

struct EncodedFile {
  int64_t patches = 0;  // encoded now
  int64_t resumed = 0;  // found in what an earlier, killed process left
  int64_t left_out = 0;
  double seconds = 0;  // encoding
};

// The same, to `path`, with the same numbers. At most 4,096 rows are in memory, and no more are
// lost when the process is killed: <path>.part is gone on with by the next call of the same key.
// The file is the same, byte for byte, wherever the work was cut.
// Errors: as above, kCorrupt if no patch can be read, and those of storage::FeatureSpool; finished
// rows stay, but for those of a slide that was written to.
EncodedFile encode_file(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                        encoder::Encoder& encoder, const EncodeFileOptions& options,
                        const std::string& path, const Context& context);

// What features depend on. plan: the text of its key, or its hash.
storage::FeaturesKey features_key(const std::string& plan, const encoder::EncoderInfo& encoder,
                                  encoder::Precision precision, const EncodeFileOptions& options);

}  // namespace lamella::verbs
