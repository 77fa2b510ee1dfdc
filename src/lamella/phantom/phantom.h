// SPDX-License-Identifier: Apache-2.0
// Synthetic labelled slides, deterministic from a seed. They prove that code works, never that
// medicine does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/context.h"
#include "lamella/base/geometry.h"
#include "lamella/base/option.h"

namespace lamella::phantom {

struct PhantomOptions {
  int slides = 6;
  int patients = 0;  // 0: one a slide
  SizePx size_px = {6000, 4500};
  double mpp = 0.5;  // µm/px
  int tile_px = 256;
  int jpeg_quality = 80;
  uint64_t seed = 1;
  double test_fraction = 1.0 / 3;  // of the patients, the last ones, get role test
  double tissue_scale = 1;         // sides of the tissue, of what they are otherwise: 0.05-1
  bool sparse = false;             // tiles without tissue or ink are not stored: they read as white
  void validate() const;
  static const OptionTable<PhantomOptions>& table();
};

struct PhantomSlide {
  std::string slide_id;         // "phantom_01"
  std::string patient_id;       // "patient_01"
  std::string role;             // "train" or "test"
  std::string path;             // of the TIFF
  std::string annotation_path;  // of the ASAP XML, group "Tumor"
};

// Writes <folder>/<slide_id>.tif and .xml, and <folder>/slides.csv
// (slide_id,path,patient_id,role,annotations; paths relative to the table).
std::vector<PhantomSlide> make_phantom(const std::string& folder, const PhantomOptions& options,
                                       const Context& context);

}  // namespace lamella::phantom
