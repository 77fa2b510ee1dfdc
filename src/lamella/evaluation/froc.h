// SPDX-License-Identifier: Apache-2.0
// Free-response ROC of detections in slides, by the rules of CAMELYON16.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/intervals.h"

namespace lamella::evaluation {

// What the detections of one slide came to.
struct SlideHits {
  std::string slide_id;
  int32_t patient = 0;        // number from 0
  int64_t lesions = 0;        // without those of isolated tumour cells
  std::vector<double> found;  // of every lesion, isolated ones too, the highest confidence
                              // of a detection in it; 0: none, and always of isolated ones
  std::vector<double> false_positives;  // confidences of detections in no lesion
};

struct FrocPoint {
  double threshold = 0;        // confidences at or above it count
  double false_positives = 0;  // per slide
  double sensitivity = 0;
};

inline constexpr std::array kFrocRates = {0.25, 0.5, 1.0, 2.0, 4.0, 8.0};

struct Froc {
  int64_t slides = 0, lesions = 0;
  // From the least threshold up; the last is (0, 0). The thresholds are all confidences but the
  // least, which is normally the 0 of missed lesions.
  std::vector<FrocPoint> points;
  std::array<double, kFrocRates.size()> sensitivity = {};  // at kFrocRates, between points linear
  std::optional<double> score;                             // their mean; nullopt without lesions
  Intervals intervals;                                     // of "score", by patients
};

// Denominators are the slides given: one without detections has to be among them. Patients are
// drawn anew within those with lesions and those without; see add_intervals.
Froc froc_of(const std::vector<SlideHits>& slides, const ResamplingOptions& options,
             const Context& context);

}  // namespace lamella::evaluation
