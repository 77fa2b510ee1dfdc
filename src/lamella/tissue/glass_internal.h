// SPDX-License-Identifier: Apache-2.0
// The colour of a slide's own glass: tissue is what lets less light through.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "lamella/base/image.h"

namespace lamella::tissue {

// What is said of each pixel of a smoothed picture, in a byte.
enum PixelFlag : uint8_t {
  kFlat = 1,         // luminance differs by at most 4 within 5 x 5 px
  kEven = 2,         // ... by less than 40 %
  kDark = 4,         // nearly black: the scanner's padding
  kWhite = 8,        // pure white: never imaged, or overexposed glass
  kColoured = 16,    // absorbs one colour more than another
  kInk = 32,         // an ink's hue, and dense
  kMaybeInk = 64,    // an ink's hue, faint: the edge of a stroke
  kBlackInk = 128,   // neutral and dense
  kBlackestInk = 1,  // in the place of kFlat where the step of density is not 0: very dense
};

constexpr int kNearBlack = 32;   // the brightest channel, 0-255, of kDark is less
constexpr int kPureWhite = 250;  // the darkest channel of kWhite is at least this

// Flat, bright pixels of every other row and column by luminance: whole numbers, so that bands add
// up to the whole picture.
struct BrightCounts {
  std::array<int64_t, 256> pixels{};
  std::array<std::array<int64_t, 3>, 256> colour_sums{};
  int64_t lit = 0;         // pixels that are not nearly black
  int64_t flat_white = 0;  // flat and pure white
  void add(const BrightCounts& other);
};

// Rows [first, last) of a picture, and copies of up to kFlagHalo rows around them as they were.
constexpr int kFlagHalo = 3;
struct FlagBand {
  int first = 0, last = 0;
  std::span<const uint8_t> above, below;
};

// What a thread needs for a band; kept, for fresh memory costs more than the work in it.
struct FlagScratch {
  cv::Mat rows, smoothed, luminance, least, most;
};

// Smooths the band's rows of `picture` (RGB) in place and writes their flags (kFlat to kWhite).
BrightCounts flag_rows(const MutableImageView& picture, const MutableImageView& flags,
                       const FlagBand& band, FlagScratch& scratch);

// Luminance 0-255 by which pixels are called flat.
inline int luminance(const uint8_t* rgb) { return (rgb[0] + 2 * rgb[1] + rgb[2] + 2) >> 2; }

struct Glass {
  std::array<double, 3> colour = {245, 245, 245};  // RGB 0-255
  bool found = false;                              // else it is assumed
};

// The brightest colour that many flat pixels share. Pure white counts only where there is no other.
// What absorbs green most, as stains do, is tissue without glass: then, as where nothing is flat
// and bright, glass is assumed to be nearly white.
Glass find_glass(const BrightCounts& counts);

// Optical density in thousandths, -1000 ln(value / glass), for each channel and value.
using DensityTable = std::array<std::array<int16_t, 256>, 3>;
DensityTable density_table(const Glass& glass);

// How much darker or lighter the glass is here and there: light is uneven. In thousandths of
// optical density, on cells of kCellPx pixels.
class UnevenGlass {
 public:
  static constexpr int kCellPx = 32;
  UnevenGlass(int width, int height);

  int rows() const { return rows_; }
  // Measures the cells of one row of cells in the smoothed picture.
  void measure(const ImageView& picture, const ImageView& flags, const DensityTable& table,
               int cell_row);
  // Once all are measured: cells without glass get their neighbours' value; then smoothed.
  void complete();
  // At most what any pixel has whose cell this is, for each channel.
  std::array<int, 3> least_near(int column, int row) const;
  int columns() const { return columns_; }

  // Of each pixel of a row, three channels, between the cells' centres.
  void row(int y, std::vector<int16_t>& densities) const;

 private:
  using Cell = std::array<int, 3>;
  const Cell& cell(int column, int row) const {
    return cells_[static_cast<size_t>(row) * static_cast<size_t>(columns_) +
                  static_cast<size_t>(column)];
  }
  // Between which two cells a pixel lies, and how far from the first to the second, of 2 kCellPx.
  struct Place {
    int first, second, part;
  };
  static Place place(int px, int cells);
  void fill();
  void smooth();

  int width_, columns_, rows_;
  std::vector<Cell> cells_;
  std::vector<uint8_t> known_;
};

}  // namespace lamella::tissue
