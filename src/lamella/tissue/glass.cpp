// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>
#include <opencv2/imgproc.hpp>

#include "lamella/tissue/glass_internal.h"

namespace lamella::tissue {

namespace {

constexpr double kSmoothingPx = 0.8;
constexpr int kFlatRange = 4;          // of luminance
constexpr int kEvenPart = 40;          // percent
constexpr int kEvenFrom = 40;          // luminance: what is darker counts as this bright
constexpr int kDimmestGlass = 90;      // the darkest channel of glass
constexpr int kPeakReach = 2;          // luminances to each side of the glass's own
constexpr double kLeastGlass = 0.005;  // of the picture
constexpr int64_t kLeastGlassPx = 5;
constexpr int kCountedEvery = 2;         // rows and columns
constexpr double kStainedGreen = 0.045;  // optical density beyond the other channels'

// The band and the rows around it, as a picture of its own: OpenCV rounds parts of pictures
// otherwise.
void join_rows(const ImageView& picture, const FlagBand& band, cv::Mat& rows) {
  const size_t row_bytes = static_cast<size_t>(picture.width) * 3;
  const size_t around = (band.above.size() + band.below.size()) / row_bytes;
  rows.create(band.last - band.first + static_cast<int>(around), picture.width, CV_8UC3);
  uint8_t* to = std::copy(band.above.begin(), band.above.end(), rows.data);
  for (int y = band.first; y < band.last; ++y, to += row_bytes) {
    std::memcpy(to, picture.row(y), row_bytes);
  }
  std::copy(band.below.begin(), band.below.end(), to);
}

// (r + 2 g + b + 2) / 4 of sixteen pixels.
cv::v_uint8x16 luminance_of(const cv::v_uint8x16& r, const cv::v_uint8x16& g,
                            const cv::v_uint8x16& b) {
  cv::v_uint16x8 r0, r1, g0, g1, b0, b1;
  cv::v_expand(r, r0, r1), cv::v_expand(g, g0, g1), cv::v_expand(b, b0, b1);
  const cv::v_uint16x8 two = cv::v_setall_u16(2);
  return cv::v_pack((r0 + g0 + g0 + b0 + two) >> 2, (r1 + g1 + g1 + b1 + two) >> 2);
}

void luminance_of(const cv::Mat& rgb, cv::Mat& result) {
  result.create(rgb.rows, rgb.cols, CV_8UC1);
  for (int y = 0; y < rgb.rows; ++y) {
    const uint8_t* from = rgb.ptr<uint8_t>(y);
    uint8_t* to = result.ptr<uint8_t>(y);
    int x = 0;
    for (; x + 16 <= rgb.cols; x += 16) {
      cv::v_uint8x16 r, g, b;
      cv::v_load_deinterleave(from + ptrdiff_t{3} * x, r, g, b);
      cv::v_store(to + x, luminance_of(r, g, b));
    }
    for (; x < rgb.cols; ++x) to[x] = static_cast<uint8_t>(luminance(from + ptrdiff_t{3} * x));
  }
}

uint8_t flags_of(const uint8_t* rgb, int luminance, int range) {
  const int high = std::max({rgb[0], rgb[1], rgb[2]}), low = std::min({rgb[0], rgb[1], rgb[2]});
  const bool even = 100 * range < kEvenPart * std::max(luminance, kEvenFrom);
  return static_cast<uint8_t>((range <= kFlatRange ? kFlat : 0) | (even ? kEven : 0) |
                              (high < kNearBlack ? kDark : 0) | (low >= kPureWhite ? kWhite : 0));
}

cv::v_uint8x16 flags_of(const uint8_t* rgb, const cv::v_uint8x16& luminance,
                        const cv::v_uint8x16& range) {
  cv::v_uint8x16 r, g, b;
  cv::v_load_deinterleave(rgb, r, g, b);
  const auto all = [](int value) { return cv::v_setall_u8(static_cast<uint8_t>(value)); };
  const cv::v_uint8x16 high = cv::v_max(cv::v_max(r, g), b), low = cv::v_min(cv::v_min(r, g), b);
  cv::v_uint16x8 range0, range1, bright0, bright1;
  cv::v_expand(range, range0, range1);
  cv::v_expand(cv::v_max(luminance, all(kEvenFrom)), bright0, bright1);
  const cv::v_uint16x8 part = cv::v_setall_u16(kEvenPart), percent = cv::v_setall_u16(100);
  const cv::v_uint8x16 even =
      cv::v_pack(range0 * percent < bright0 * part, range1 * percent < bright1 * part);
  return ((range <= all(kFlatRange)) & all(kFlat)) | (even & all(kEven)) |
         ((high < all(kNearBlack)) & all(kDark)) | ((low >= all(kPureWhite)) & all(kWhite));
}

void flag_row(const FlagScratch& local, int at, uint8_t* flags) {
  const uint8_t* rgb = local.smoothed.ptr<uint8_t>(at);
  const uint8_t* lum = local.luminance.ptr<uint8_t>(at);
  const uint8_t* least = local.least.ptr<uint8_t>(at);
  const uint8_t* most = local.most.ptr<uint8_t>(at);
  int x = 0;
  for (; x + 16 <= local.smoothed.cols; x += 16) {
    const cv::v_uint8x16 range = cv::v_load(most + x) - cv::v_load(least + x);
    cv::v_store(flags + x, flags_of(rgb + ptrdiff_t{3} * x, cv::v_load(lum + x), range));
  }
  for (; x < local.smoothed.cols; ++x) {
    flags[x] = flags_of(rgb + ptrdiff_t{3} * x, lum[x], most[x] - least[x]);
  }
}

void count_row(const FlagScratch& local, int at, const uint8_t* flags, BrightCounts& counts) {
  const uint8_t* rgb = local.smoothed.ptr<uint8_t>(at);
  const uint8_t* lum = local.luminance.ptr<uint8_t>(at);
  for (int x = 0; x < local.smoothed.cols; x += kCountedEvery) {
    counts.lit += (flags[x] & kDark) == 0;
    if (!(flags[x] & kFlat)) continue;
    const uint8_t* pixel = rgb + ptrdiff_t{3} * x;
    counts.flat_white += (flags[x] & kWhite) != 0;
    if ((flags[x] & kWhite) || std::min({pixel[0], pixel[1], pixel[2]}) < kDimmestGlass) continue;
    ++counts.pixels[lum[x]];
    for (size_t c = 0; c < 3; ++c) counts.colour_sums[lum[x]][c] += pixel[c];
  }
}

// Pixels within kPeakReach of a luminance.
int64_t around(const BrightCounts& counts, int luminance) {
  int64_t sum = 0;
  for (int i = std::max(0, luminance - kPeakReach); i <= std::min(255, luminance + kPeakReach);
       ++i) {
    sum += counts.pixels[static_cast<size_t>(i)];
  }
  return sum;
}

// The brightest luminance around which there are most pixels far and wide, and at least a quarter
// of what the commonest has.
int brightest_peak(const BrightCounts& counts) {
  std::array<int64_t, 256> near{};
  for (int i = 0; i < 256; ++i) near[static_cast<size_t>(i)] = around(counts, i);
  const int64_t most = *std::max_element(near.begin(), near.end());
  for (int i = 255; i > 0; --i) {
    const auto here = near.begin() + i;
    const auto first = near.begin() + std::max(0, i - kPeakReach);
    const auto last = near.begin() + std::min(256, i + kPeakReach + 1);
    if (4 * *here >= most && *here == *std::max_element(first, last)) return i;
  }
  return 0;
}

}  // namespace

void BrightCounts::add(const BrightCounts& other) {
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] += other.pixels[i];
    for (size_t c = 0; c < 3; ++c) colour_sums[i][c] += other.colour_sums[i][c];
  }
  lit += other.lit;
  flat_white += other.flat_white;
}

BrightCounts flag_rows(const MutableImageView& picture, const MutableImageView& flags,
                       const FlagBand& band, FlagScratch& scratch) {
  join_rows(picture, band, scratch.rows);
  cv::GaussianBlur(scratch.rows, scratch.smoothed, cv::Size(3, 3), kSmoothingPx, kSmoothingPx,
                   cv::BORDER_REPLICATE);
  luminance_of(scratch.smoothed, scratch.luminance);
  const cv::Mat square = cv::Mat::ones(5, 5, CV_8UC1);
  cv::erode(scratch.luminance, scratch.least, square);
  cv::dilate(scratch.luminance, scratch.most, square);
  BrightCounts counts;
  const size_t row_bytes = static_cast<size_t>(picture.width) * 3;
  const int halo = static_cast<int>(band.above.size() / row_bytes);
  for (int y = band.first; y < band.last; ++y) {
    const int at = halo + y - band.first;
    flag_row(scratch, at, flags.row(y));
    if (y % kCountedEvery == 0) count_row(scratch, at, flags.row(y), counts);
    std::memcpy(picture.row(y), scratch.smoothed.ptr<uint8_t>(at), row_bytes);
  }
  return counts;
}

Glass find_glass(const BrightCounts& counts) {
  int64_t bright = 0;
  for (const int64_t count : counts.pixels) bright += count;
  const auto enough =
      std::max(static_cast<double>(kLeastGlassPx), kLeastGlass * static_cast<double>(counts.lit));
  Glass glass;
  if (static_cast<double>(bright) < enough) {
    if (static_cast<double>(counts.flat_white) >= enough) glass = {{255, 255, 255}, true};
    return glass;
  }
  const int peak = brightest_peak(counts);
  std::array<double, 3> colour{}, density{};
  for (size_t c = 0; c < 3; ++c) {
    int64_t sum = 0;
    for (int i = std::max(0, peak - kPeakReach); i <= std::min(255, peak + kPeakReach); ++i) {
      sum += counts.colour_sums[static_cast<size_t>(i)][c];
    }
    colour[c] = static_cast<double>(sum) / static_cast<double>(around(counts, peak));
    density[c] = -std::log(colour[c] / 255);
  }
  if (density[1] - std::max(density[0], density[2]) > kStainedGreen) return glass;
  return {colour, true};
}

DensityTable density_table(const Glass& glass) {
  DensityTable table{};
  for (size_t c = 0; c < 3; ++c) {
    for (size_t value = 0; value < 256; ++value) {
      const double light = static_cast<double>(std::max<size_t>(value, 1)) / glass.colour[c];
      table[c][value] = static_cast<int16_t>(std::lround(-1000 * std::log(light)));
    }
  }
  return table;
}

}  // namespace lamella::tissue
