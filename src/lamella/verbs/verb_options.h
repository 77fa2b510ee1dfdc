// SPDX-License-Identifier: Apache-2.0
// What may be asked of the verbs, and all their tables of options.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/option.h"
#include "lamella/encoder/encoder.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/slide/on_damage.h"
#include "lamella/storage/storage.h"
#include "lamella/tissue/tissue.h"
#include "lamella/verbs/compare_int8.h"

namespace lamella::verbs {

// How features are made and stored.
struct EncodingOptions {
  encoder::Precision precision = encoder::Precision::kAuto;
  storage::FeatureType features_dtype = storage::FeatureType::kFloat32;
  int64_t int8_check = kComparedPatches;
  static const OptionTable<EncodingOptions>& table();
};

struct EncodeOptions {
  EncodingOptions encoding;
  slide::DamageOptions damage;
  static const OptionTable<EncodeOptions>& table();
};

// The part of a slide that a model scores.
struct ScoreSlideOptions {
  patch::GridOptions grid;
  std::string tissue = "auto";  // see tissue_mask
  tissue::TissueOptions mask;   // where it is made
  slide::DamageOptions damage;
  void validate() const;
  static const OptionTable<ScoreSlideOptions>& table();
};

struct VerbOptions {
  std::string verb;  // as on the command line: "plan"
  const OptionList* list = nullptr;
};
// In the order of the path from slide to heat-map.
const std::vector<VerbOptions>& verb_options();

}  // namespace lamella::verbs
