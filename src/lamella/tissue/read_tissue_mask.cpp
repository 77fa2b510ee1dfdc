// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/imagefile/samples.h"
#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

namespace {

constexpr size_t kMostLabels = 16;   // different values of a mask that is no picture
constexpr double kNearEnds = 0.125;  // of the greatest value: near 0, or near the greatest
constexpr double kMostNear = 0.9;    // part of the pixels

// The least value that is tissue, and what was taken for granted.
struct Reading {
  uint16_t least = 1;
  std::string note;
};

std::string listed(const std::map<uint16_t, int64_t>& counts) {
  std::vector<std::string> texts;
  for (const auto& [value, count] : counts) texts.push_back(std::to_string(value));
  return join(texts, ", ");
}

Reading reading_of(const imagefile::Samples& samples, const std::string& path) {
  std::vector<int64_t> all(size_t{UINT16_MAX} + 1);
  for (const uint16_t value : samples.values) ++all[value];
  std::map<uint16_t, int64_t> counts;
  for (size_t value = 0; value < all.size(); ++value) {
    if (all[value] > 0) counts[static_cast<uint16_t>(value)] = all[value];
  }
  const uint16_t most = counts.rbegin()->first;
  const auto half = static_cast<uint16_t>((most + 1) / 2);
  if (!samples.lossy && counts.size() <= kMostLabels) {
    if (counts.size() <= 2 && counts.begin()->first == 0) return {};
    if (counts.size() == 1) {
      return {
          1, fmt::format("the mask has the value {} everywhere: all of the slide is tissue", most)};
    }
    return {1, fmt::format("the mask has the values {}; all but 0 are taken as tissue",
                           listed(counts))};
  }
  int64_t near = 0;
  for (const auto& [value, count] : counts) {
    if (value <= kNearEnds * most || value >= (1 - kNearEnds) * most) near += count;
  }
  if (static_cast<double>(near) < kMostNear * static_cast<double>(samples.values.size())) {
    throw Error(ErrorCode::kFormat,
                fmt::format("found a picture of {} different values, expected a mask: 0 where "
                            "there is no tissue, another value where there is",
                            counts.size()),
                path);
  }
  return {std::max<uint16_t>(1, half),
          fmt::format("the mask has {} different values from 0 to {}; those from {} are taken as "
                      "tissue",
                      counts.size(), most, half)};
}

}  // namespace

TissueMask read_tissue_mask(const std::string& path, const slide::SlideInfo& info,
                            io::Notes notes) {
  const imagefile::Samples samples = imagefile::read_samples(path);
  const double slide_width = static_cast<double>(info.size_px().width);
  const double slide_height = static_cast<double>(info.size_px().height);
  const double expected_height = samples.width * slide_height / slide_width;
  // A mask of another slide is the likely mistake; the tolerance is for rounded sizes.
  if (std::abs(samples.height - expected_height) > 1.5 + 0.05 * expected_height) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("found a mask of {} x {} px, expected the proportions of the slide of "
                            "{} x {} px ({}); give the mask of this slide",
                            samples.width, samples.height, info.size_px().width,
                            info.size_px().height, info.path),
                path);
  }
  const Reading reading = reading_of(samples, path);
  if (notes && !reading.note.empty()) notes->push_back(path + ": " + reading.note);
  TissueMask result;
  result.mask = Image(samples.width, samples.height, 1);
  const uint16_t* from = samples.values.data();
  for (int y = 0; y < samples.height; ++y, from += samples.width) {
    std::transform(from, from + samples.width, result.mask.row(y), [&](uint16_t value) {
      return static_cast<uint8_t>(value >= reading.least ? 255 : 0);
    });
  }
  result.downsample_x = slide_width / samples.width;
  result.downsample_y = slide_height / samples.height;
  result.index();
  return result;
}

}  // namespace lamella::tissue
