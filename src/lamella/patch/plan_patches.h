// SPDX-License-Identifier: Apache-2.0
// The verb plan. Pure functions of their arguments; reentrant.
//
// All of them: Error kInvalidArgument if the slide is smaller than one patch; a plan without rows
// is no error, but carries a warning that gives the tissue fraction.
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

// A list of positions in a file (NCRF's), all of one label.
struct CentreFile {
  std::string path;
  int8_t label = 0;  // index into the classes
};

struct LabelledCentres {
  std::vector<annotation::Centre> centres;  // of any slides; this slide's are picked
  int8_t label = 0;                         // index into the classes
  std::string path;
};

struct CentreLists {
  ClassTable classes;
  std::vector<LabelledCentres> lists;
};

// One row per centre, in the lists' order. In level-0 px, top-left = floor(centre) -
// floor(extent / 2): 299 px at level 0 begin 149 px before the centre.
// Error kInvalidArgument: classes that are not valid, a label that they lack; a centre outside the
// slide: file, line, coordinates, slide size. Error kMismatch: a centre with two labels (both lines
// are named); one that stands twice with the same label is a warning.
// A patch that reaches outside the slide is kept; its row records the inside fraction and one
// warning counts them.
PatchPlan plan_from_centres(const slide::SlideInfo& info, const std::string& slide_id,
                            const PatchSpec& spec, const tissue::TissueMask& mask,
                            const CentreLists& lists);

// One row per position, in their order.
// A patch that lies wholly outside the slide is Error kInvalidArgument: which, coordinates, slide
// size. One that reaches outside is kept, recorded and counted as above.
PatchPlan plan_from_positions(const slide::SlideInfo& info, const std::string& slide_id,
                              const PatchSpec& spec, const tissue::TissueMask& mask,
                              const std::vector<Position>& positions);

// What makes a patch one of a class. Its area is that of its polygons, less those of the classes
// that win over it.
struct ClassRule {
  std::vector<std::string> annotations = {};  // groups
  bool rest_of_tissue = false;                // also tissue outside every polygon
  std::vector<std::string> wins_over = {};    // classes: a patch with some of their area is not
                                              // one of this class
};

struct AnnotationRule {
  ClassTable classes = {};
  std::vector<ClassRule> rules = {};  // one for each class
  double min_coverage = 0.75;         // 0-1: covered at least so much to get the label
  double min_tissue = 0.5;            // 0-1: for patches taken from tissue
  int max_per_slide = 2000;           // rows; classes are balanced as far as they reach
  uint64_t seed = 7;
  // Error kInvalidArgument.
  void validate() const;
  static const OptionTable<AnnotationRule>& table();
};

// Candidates: the patches of a grid of stride = extent from the slide's top-left that lie wholly
// on the slide. A candidate is of a class if
//   the class's area covers at least min_coverage of it, and it has nothing of the areas of the
//     classes that this one wins over (a patch at the rim of a loser is not the winner's, though
//     the winner's polygons are cut out of the loser's), or
//   the class takes the rest of the tissue, no polygon of any group touches it, and at least
//     min_tissue of it is tissue.
// One that two classes claim gets no label, and a warning counts them.
// Where there are more than max_per_slide each class gets an equal share of the rows, and what one
// class cannot fill the others may. Sampled by mt19937_64, seeded per slide id and class number, so
// that other slides change nothing. Rows by y, then x.
// A file may hold some of the named groups only; groups that no class names are left out with a
// warning. Error kNotFound, listing the groups there are: there is such a group, and one of the
// classes found none of its own, or what is drawn is spelled nearly as what it names
// (annotation::check_groups). Error kMismatch: most outlines lie outside the slide; a warning where
// some do, or where they lie on glass (check_outlines).
PatchPlan plan_from_annotations(const slide::SlideInfo& info, const std::string& slide_id,
                                const PatchSpec& spec, const tissue::TissueMask& mask,
                                const annotation::AnnotationSet& annotations,
                                const AnnotationRule& rule);

struct GridOptions {
  std::optional<double> stride_px = {};  // in patch pixels (of the spec's scale); default size_px
  std::optional<RectPx> region_px = {};  // level-0 px; default the whole slide
  double min_tissue = 0.1;               // 0-1
  void validate() const;
  static const OptionTable<GridOptions>& table();
};

// Grid from the region's top-left, row by row, until the region's right and bottom edges (or the
// slide's) are reached. The last column and row may overhang these edges: such patches are kept,
// white outside the slide, and their rows record the inside fraction. A row is kept if at least
// min_tissue of the whole patch is tissue. Rows by y, then x.
// Error kInvalidArgument: a region that is empty or does not begin on the slide.
// kLimit: more than 50 million positions.
PatchPlan plan_grid(const slide::SlideInfo& info, const std::string& slide_id,
                    const PatchSpec& spec, const tissue::TissueMask& mask,
                    const GridOptions& options);

}  // namespace lamella::patch
