// SPDX-License-Identifier: Apache-2.0
// Features that another program stored, with the plan that they mean on their slide.
#pragma once

#include <string>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::verbs {

struct ImportFeaturesOptions {
  std::string features;        // TRIDENT's, CLAM's or STAMP's file
  std::string coords;          // CLAM's file of patches/, "" for none
  std::string encoder_name;    // "": as the file names it
  double extent_px = 0;        // side of a patch in level-0 px; 0: as the file says
  int size_px = 0;             // side given to the network; 0: as the file says
  patch::LabelOptions labels;  // what centres and annotations mean
  std::vector<std::string> centers, annotations;
  patch::AnnotationRule rule;
  static const OptionTable<ImportFeaturesOptions>& table();
};

// One row a patch of the file, in its order; feature space "foreign: NAME/<size>px@<mpp>mpp".
// `patch_size` is px given to the network at the target scale (TRIDENT), px of `patch_level`
// (CLAM), or level-0 px where a file says nothing else. Labels: of a patch by what covers it, or by
// the centres that lie in it. Warnings are given to the context.
// Errors: those of storage::read_foreign_features and of the plan; kMismatch: the file's slide is
// of another size, a position lies outside; kInvalidArgument: the side of a patch, the encoder's
// name or (STAMP) the slide's µm per pixel is not known.
storage::FeatureFile import_features(const slide::Slide& slide, const std::string& slide_id,
                                     const ImportFeaturesOptions& options, const Context& context);

}  // namespace lamella::verbs
