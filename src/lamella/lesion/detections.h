// SPDX-License-Identifier: Apache-2.0
// The files of a CAMELYON16 submission, and detections made of scores.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lamella/base/option.h"
#include "lamella/io/text_file.h"

namespace lamella::lesion {

struct Detection {
  double confidence = 0;
  int64_t x_px = 0, y_px = 0;  // level 0
  bool operator==(const Detection&) const = default;
};

// Task 2, a file a slide: lines confidence,x,y without a header (one is left out, and noted). An
// empty file is a slide without detections. Error kFormat (line, column): another number of fields,
// no whole coordinates, a confidence that is negative or not finite.
std::vector<Detection> read_detections(const std::string& path, io::Notes notes = nullptr);
void write_detections(const std::vector<Detection>& detections, const std::string& path);

// Task 1: image,probability of every slide, with that header.
struct SlideProbability {
  std::string slide_id;
  double probability = 0;
};
void write_slide_probabilities(const std::vector<SlideProbability>& slides,
                               const std::string& path);
// Error kFormat as above; a slide twice.
std::vector<SlideProbability> read_slide_probabilities(const std::string& path);

struct DetectOptions {
  double threshold = 0.5;  // scores above it are detections
  double radius_px = 768;  // level-0 px; NCRF's 12 px at level 6
  void validate() const;
  static const OptionTable<DetectOptions>& table();
};

// Where scores were taken, level-0 px.
struct ScoredPlace {
  double x_px = 0, y_px = 0;  // centre
  double score = 0;
};

// Non-maximum suppression: the highest score (of equal ones the first) is a detection, all places
// within the radius of it are none, and so on. Coordinates are rounded down.
std::vector<Detection> detect(const std::vector<ScoredPlace>& places, const DetectOptions& options);

}  // namespace lamella::lesion
