// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "lamella/tissue/saturation_threshold_internal.h"

namespace lamella::tissue {

namespace {

// Glass of real slides has a mean saturation of 0.01-0.04, pale stroma more than 0.12.
constexpr double kTissueLikeSaturation = 0.10;

int64_t count_of(const Histogram& histogram) {
  return std::accumulate(histogram.begin(), histogram.end(), int64_t{0});
}

double mean_of(const Histogram& histogram) {
  double sum = 0;
  for (size_t i = 0; i < histogram.size(); ++i) {
    sum += static_cast<double>(i) * static_cast<double>(histogram[i]);
  }
  const int64_t count = count_of(histogram);
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

int otsu(const Histogram& histogram) {
  const auto all = static_cast<double>(count_of(histogram));
  const double mean = mean_of(histogram);
  double below = 0, sum_below = 0, best = 0;
  int threshold = 0;
  for (int t = 0; t < 256; ++t) {
    const auto here = static_cast<double>(histogram[static_cast<size_t>(t)]);
    below += here;
    sum_below += t * here;
    if (below == 0 || below == all) continue;
    const double distance = sum_below / below - (mean * all - sum_below) / (all - below);
    const double between = below / all * (1 - below / all) * distance * distance;
    if (between > best) {
      best = between;
      threshold = t;
    }
  }
  return threshold;
}

namespace {

// What is at most, or above, `threshold`.
Histogram part_of(const Histogram& histogram, int threshold, bool above) {
  Histogram part{};
  for (int i = 0; i < 256; ++i) {
    if ((i > threshold) == above) part[static_cast<size_t>(i)] = histogram[static_cast<size_t>(i)];
  }
  return part;
}

}  // namespace

double find_threshold(const Histogram& saturations, double min_saturation) {
  constexpr double kTissueLike = 255 * kTissueLikeSaturation;
  const double floor = 255 * min_saturation;
  const int first = otsu(saturations);
  const Histogram pale = part_of(saturations, first, false);
  if (mean_of(pale) >= kTissueLike) return floor;
  // Strongly stained tissue draws the threshold up into the pale tissue.
  const int second = otsu(pale);
  const bool pale_tissue = mean_of(part_of(pale, second, true)) >= kTissueLike;
  return std::max<double>(pale_tissue ? second : first, floor);
}

}  // namespace lamella::tissue
