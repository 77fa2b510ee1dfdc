// SPDX-License-Identifier: Apache-2.0
// The verb plan. Pure functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/patch/patch_plan.h"
#include "lamella/slide/slide.h"
#include "lamella/tissue/tissue.h"

namespace lamella::patch {

struct LabelledCentres {
  std::vector<annotation::Centre> centres;  // of any slides; this slide's are picked
  int8_t label = 0;
  std::string path;
};

// One row per centre, top-left = centre - extent / 2 (integer division), in the lists' order.
// A centre outside the slide is Error kInvalidArgument: file, line, coordinates, slide size.
// A patch that reaches outside the slide is kept; the plan records the inside fraction and warns.
PatchPlan plan_from_centres(const slide::SlideInfo& info, const std::string& slide_id,
                            const PatchSpec& spec, const tissue::TissueMask& mask,
                            const std::vector<LabelledCentres>& lists);

struct AnnotationRule {
  std::vector<std::string> positive;       // groups that are tumour
  std::vector<std::string> negative;       // groups that are normal, also inside positive ones
  bool negative_from_tissue = false;       // tissue outside every polygon is normal
  double min_coverage = 0.75;              // 0-1: covered at least so much to get the label
  double min_tissue = 0.5;                 // 0-1: for patches taken from tissue
  int max_per_slide = 2000;                // rows; classes are balanced as far as they reach
  uint64_t seed = 7;
  void validate() const;
};

// Candidates on a grid of stride = extent over the slide; labelled by coverage; balanced random
// sample with the seed (mt19937_64, derived per slide id); rows sorted by y, then x.
// Error kNotFound: unknown group. A normal patch touches no positive polygon
// (coverage <= 1 - min_coverage by positives is not enough: it must be 0).
PatchPlan plan_from_annotations(const slide::SlideInfo& info, const std::string& slide_id,
                                const PatchSpec& spec, const tissue::TissueMask& mask,
                                const annotation::AnnotationSet& annotations,
                                const AnnotationRule& rule);

struct GridOptions {
  std::optional<double> stride_px;  // in patch pixels (of the spec's scale); default size_px
  std::optional<RectPx> region_px;  // level-0 px; default the whole slide
  double min_tissue = 0.1;          // 0-1
  void validate() const;
};

// Grid from the region's top-left; patches that lie wholly on the slide... and those at the right
// and bottom edge that reach over it are kept (white outside, inside_fraction recorded), if
// enough of them is tissue. Rows by y, then x. A slide smaller than a patch is Error
// kInvalidArgument. Zero rows: a warning that gives the tissue fraction.
PatchPlan plan_grid(const slide::SlideInfo& info, const std::string& slide_id,
                    const PatchSpec& spec, const tissue::TissueMask& mask,
                    const GridOptions& options);

}  // namespace lamella::patch
