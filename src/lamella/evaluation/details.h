// SPDX-License-Identifier: Apache-2.0
// What stands behind the figures: curves, patients and slides one by one, the worst errors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/evaluation/class_metrics.h"
#include "lamella/evaluation/clusters.h"

namespace lamella::evaluation {

inline constexpr int64_t kMostCurvePoints = 200;  // of a curve; its ends are always among them

// At a threshold. ROC: x = 1 - specificity, y = sensitivity. Precision-recall: x = recall,
// y = precision.
struct CurvePoint {
  double threshold = 0, x = 0, y = 0;
};

// The rows whose scores lie in one of 15 equal parts of [0, 1].
struct ReliabilityBin {
  double low = 0, high = 0;
  int64_t n = 0;
  double mean_score = 0;
  double share = 0;  // of the class
};

// Net benefit (Vickers and Elkin 2006) of acting at a threshold probability: TP / n - FP / n *
// t / (1 - t); `all`: of acting on every row. Of acting on none it is 0.
struct NetBenefit {
  double threshold = 0, model = 0, all = 0;
};

// Of one class against the rest.
struct ClassCurves {
  std::string class_name;
  std::vector<CurvePoint> roc, precision_recall;
  std::vector<ReliabilityBin> reliability;         // those that have rows
  std::vector<NetBenefit> decision;                // at 0.01, 0.02 ... 0.99
  std::vector<int64_t> histogram, histogram_rest;  // 20 equal parts of [0, 1]
};

// Figures of one class in the rows of one patient or slide.
struct GroupFigures {
  std::string kind;  // "patient" or "slide"
  std::string id;
  std::string class_name;
  int64_t n = 0, n_positive = 0;
  std::optional<double> mean_score, auc, accuracy, brier, log_loss, calibration_slope,
      calibration_intercept, calibration_in_the_large, ece;
  std::vector<ReliabilityBin> reliability;  // of patients, where there are kMostReliability at most
};
inline constexpr size_t kMostReliability = 200;

// A row whose most likely class is not its own.
struct WrongPatch {
  std::string slide_id;
  double x_px = 0, y_px = 0;  // top-left, level 0
  std::string is, called;
  double score = 0;    // of the class called
  double side_px = 0;  // of the patch, level 0; 0: not known
};
inline constexpr size_t kMostWrong = 48;

struct Details {
  std::vector<ClassCurves> curves;   // of each class; of two of the last
  std::vector<GroupFigures> groups;  // patients first, then slides, in the order of their names
  std::vector<WrongPatch> wrong;     // the most confident first
};

// Where a row lies, for people.
struct PlacedRows {
  std::vector<std::string> patients, slides;  // by the numbers in RowOrigins
  std::vector<double> x_px, y_px;             // n; may be empty
  std::vector<double> side_px;                // of a patch of each slide; may be empty
};

// labels: as evaluate_classes.
Details details_of(const feature::ScoreMatrix& scores, std::span<const int8_t> labels,
                   const RowOrigins& origins, const PlacedRows& places);

}  // namespace lamella::evaluation
