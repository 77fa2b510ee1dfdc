// SPDX-License-Identifier: Apache-2.0
// Lesions as CAMELYON16's evaluation counts them, from outlines or from masks. Source of the rules:
// the challenge's evaluation script (Ehteshami Bejnordi et al., JAMA 2017).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/geometry.h"
#include "lamella/base/option.h"
#include "lamella/imagefile/samples.h"

namespace lamella::lesion {

struct LesionRules {
  double mpp = 0.243;        // µm per level-0 px
  int level = 5;             // of the mask: a pixel is 2^level level-0 px
  double joined_um = 75;     // tumour parts this near are one lesion: half of it each is added
  double isolated_um = 275;  // a lesion whose major axis is less is of isolated tumour cells
  // Groups of annotations; empty: those of CAMELYON16, CAMELYON17 and NCRF.
  std::vector<std::string> tumour_groups = {}, normal_groups = {};
  int64_t cell_px() const { return int64_t{1} << level; }
  void validate() const;
  static const OptionTable<LesionRules>& table();
};

// Cells of 2^level level-0 px, 1 where tumour is, in a window of the slide.
struct TumourMask {
  RectPx window;                // cells
  SizePx slide;                 // cells; 0: not known
  std::vector<uint8_t> values;  // row-major, of the window
};

// A cell is tumour where its centre lies in an outline of a tumour group and in none of a normal
// one. Outlines of other groups count as tumour where no group of the set is known, else are left
// out; *notes says so. slide_px: 0 if not known.
TumourMask mask_of_outlines(const annotation::AnnotationSet& set, SizePx slide_px,
                            const LesionRules& rules, io::Notes notes);
// 255 is tumour, as in the challenge's masks. A mask whose greatest value is 1 is taken with 1 as
// tumour, which is noted: the script's distances would join everything into one lesion. Error
// kMismatch: another value than 0 and that one, a size that is not the slide's at this level.
TumourMask mask_of_samples(const imagefile::Samples& samples, SizePx slide_px,
                           const LesionRules& rules, io::Notes notes);

struct Lesion {
  int64_t cells = 0;
  double major_axis_um = 0;  // of the ellipse of the same second moments
  bool isolated = false;     // isolated tumour cells: neither found nor missed
};

// Cells nearer than half of joined_um to tumour, holes filled, parted into 8-connected lesions.
struct LesionMap {
  RectPx window;  // cells
  SizePx slide;   // cells; 0: not known
  int64_t cell_px = 32;
  std::vector<int32_t> labels;  // row-major, of the window: 0 none, else 1 + its place in `lesions`
  std::vector<Lesion> lesions;  // in the order of their first cell, row by row

  // The lesion at a place in level-0 px (rounded down), 0 if there is none. nullopt: outside the
  // slide.
  std::optional<int32_t> at(int64_t x_px, int64_t y_px) const;
  int64_t counted() const;  // that are not isolated
};
LesionMap find_lesions(const TumourMask& mask, const LesionRules& rules);

}  // namespace lamella::lesion
