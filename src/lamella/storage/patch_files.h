// SPDX-License-Identifier: Apache-2.0
// Patches as files, for people who train elsewhere. Not shareable by threads.
#pragma once

#include <memory>
#include <string>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::storage {

// kNull writes nothing: reading alone, for timing.
enum class PatchFormat { kPng, kJpeg, kWebDataset, kNull };
// "png", "jpeg", "webdataset", "null". Error kInvalidArgument.
PatchFormat parse_patch_format(const std::string& text);

struct PatchFilesOptions {
  PatchFormat format = PatchFormat::kPng;
  std::string folder;     // not for kNull
  int jpeg_quality = 90;  // 1-100
  imagefile::Chroma jpeg_chroma = imagefile::Chroma::kByQuality;
  int shard_size = 1000;  // WebDataset: patches per tar file
  void validate() const;
  static const OptionTable<PatchFilesOptions>& table();
};

class PatchFiles {
 public:
  virtual ~PatchFiles() = default;
  // Encodes with context.threads; file names depend on slide and position only.
  virtual void write(const patch::PatchBatch& batch, const Context& context) = 0;
  // Closes the last shard. Without it (an error, Ctrl-C) no half-written file stays.
  virtual void finish() = 0;
};

// PNG/JPEG: <folder>/<class>/<slide>_<x>_<y>.png with the class's name or "unlabelled" and the
// level-0 top-left. WebDataset: <folder>/<slide>-<shard>.tar with <slide>_<x>_<y>.jpg, .cls
// (number of the class; left out where there is none) and .json (slide, x, y, label, class, mpp).
// WebDataset's readers take what stands before a name's first dot for the sample: dots (and %) of
// the slide's id are written %2E (and %25) there; the .json has the id as it is.
// The plan must outlive the result.
std::unique_ptr<PatchFiles> open_patch_files(const patch::PatchPlan& plan,
                                             const PatchFilesOptions& options);

}  // namespace lamella::storage
