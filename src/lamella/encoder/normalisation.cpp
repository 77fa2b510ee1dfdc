// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/text.h"
#include "lamella/encoder/encoder_files_internal.h"

namespace lamella::encoder {

namespace {

// Pixels as they are reach 255; what people scale reaches far less.
constexpr float kMostInput = 300;
constexpr float kMostPixel = 255;

std::string listed(const std::vector<float>& values, float factor) {
  std::vector<std::string> texts;
  for (const float value : values) {
    texts.push_back(fmt::format("{:.6g}", double{value} * double{factor}));
  }
  return join(texts, ",");
}

}  // namespace

std::optional<std::string> odd_normalisation(const EncoderInfo& info) {
  float most = 0;
  bool small_mean = true, small_std = true;
  for (size_t i = 0; i < info.mean.size() && i < info.std.size(); ++i) {
    const float mean = info.mean[i], std = info.std[i];
    most = std::max({most, std::abs(mean / std), std::abs((kMostPixel - mean) / std)});
    small_mean = small_mean && mean > 0 && mean < 1;
    small_std = small_std && std < 1;
  }
  if (most <= kMostInput && !small_mean) return {};
  const std::string found = fmt::format(
      "found a mean of {} and a std of {}, by which the network gets values up to "
      "{:.0f}; expected those of 0-255 values",
      listed(info.mean, 1), listed(info.std, 1), double{most});
  const bool scaled_mean = small_mean || std::all_of(info.mean.begin(), info.mean.end(),
                                                     [](float mean) { return mean == 0; });
  if (!scaled_mean) return found;
  return fmt::format("{}: if these are of 0-1 values, a mean of {}{}", found,
                     listed(info.mean, kMostPixel),
                     small_std ? " and a std of " + listed(info.std, kMostPixel)
                               : " and the std that goes with it, times 255");
}

}  // namespace lamella::encoder
