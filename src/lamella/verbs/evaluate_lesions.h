// SPDX-License-Identifier: Apache-2.0
// Detections against lesions, as CAMELYON16 evaluates them; detections of scores.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/froc.h"
#include "lamella/lesion/detections.h"
#include "lamella/lesion/lesion_map.h"

namespace lamella::verbs {

// One slide of the reference.
struct ReferenceSlide {
  std::string slide_id, patient_id;
  std::string annotations, mask;  // paths; both "": a normal slide
  SizePx size_px;                 // level 0; 0: not known
};
// A table slide_id[,patient_id][,annotations][,mask][,width_px,height_px], paths relative to it. A
// slide without a patient is its own. Error kFormat; kMismatch: a slide twice, annotations and a
// mask of one slide.
std::vector<ReferenceSlide> read_reference(const std::string& path, const Context& context);

struct LesionOptions {
  lesion::LesionRules rules;
  // Slides without a full annotation, as the challenge leaves them out.
  std::vector<std::string> left_out = {"Test_049", "Test_114"};
  static const OptionTable<LesionOptions>& table();
};

struct LesionEvaluation {
  evaluation::Froc froc;
  std::vector<evaluation::SlideHits> slides;
};

// detections: a folder of <slide_id>.csv (lesion::read_detections). Error kMismatch: a slide of the
// reference without a file (one without detections needs an empty file: the challenge's script
// would leave it out of the average), a file that the reference does not name, a detection outside
// its slide.
LesionEvaluation evaluate_lesions(const std::string& detections,
                                  const std::vector<ReferenceSlide>& reference,
                                  const LesionOptions& options, const Context& context);

struct DetectFiles {
  std::vector<std::string> scores;  // named after their slides
  std::string out;                  // folder: <slide_id>.csv of each
  std::string slides_csv;           // image,probability by slide score; "": none
  std::string shown_class;          // "": the last one
};
struct DetectedSlide {
  std::string slide_id;
  int64_t detections = 0;
  double slide_score = 0;
};
std::vector<DetectedSlide> detect_lesions(const DetectFiles& files,
                                          const lesion::DetectOptions& options,
                                          const Context& context);

}  // namespace lamella::verbs
