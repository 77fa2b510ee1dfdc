// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "lamella/base/median.h"
#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

namespace {

constexpr size_t kFewestSlides = 5;
constexpr double kFarDeviations = 5;
constexpr double kDeviationsOfMad = 1.4826;  // of a normal distribution

struct Measure {
  const char* name;
  double least;  // a smaller difference means nothing
  std::function<std::optional<double>(const CohortSlide&)> of;
};

// Of what the glass lets through, blue beside red: old mountings are yellow.
std::optional<double> glass_blue(const CohortSlide& slide) {
  if (!slide.look.glass_rgb) return {};
  const auto& rgb = *slide.look.glass_rgb;
  return rgb[2] / std::max(rgb[0], 1.0);
}

std::optional<double> glass_brightness(const CohortSlide& slide) {
  if (!slide.look.glass_rgb) return {};
  return (*slide.look.glass_rgb)[1];
}

std::optional<double> stain_density(const CohortSlide& slide) {
  if (!slide.look.stain_density) return {};
  const auto& density = *slide.look.stain_density;
  return *std::max_element(density.begin(), density.end());
}

// How much of the green that it absorbs a stain absorbs in red or blue: hematoxylin beside eosin,
// DAB beside either.
template <size_t Channel>
std::optional<double> stain_hue(const CohortSlide& slide) {
  if (!slide.look.stain_density || (*slide.look.stain_density)[1] <= 0.01) return {};
  return (*slide.look.stain_density)[Channel] / (*slide.look.stain_density)[1];
}

const std::vector<Measure>& measures() {
  static const std::vector<Measure> all = {
      {"share of tissue", 0.15, [](const CohortSlide& slide) { return slide.tissue_fraction; }},
      {"glass's blue beside its red", 0.06, glass_blue},
      {"glass's brightness", 12, glass_brightness},
      {"stain's density", 0.12, stain_density},
      {"stain's hue (red absorbed beside green)", 0.25, stain_hue<0>},
      {"stain's hue (blue absorbed beside green)", 0.25, stain_hue<2>}};
  return all;
}

}  // namespace

std::optional<double> stain_shift(const SlideLook& look, const std::vector<SlideLook>& others) {
  if (!look.stain_density) return {};
  double square = 0;
  for (size_t channel = 0; channel < look.stain_density->size(); ++channel) {
    std::vector<double> values;
    for (const SlideLook& other : others) {
      if (other.stain_density) values.push_back((*other.stain_density)[channel]);
    }
    if (values.empty()) return {};
    const double difference = (*look.stain_density)[channel] - median(values);
    square += difference * difference;
  }
  return std::sqrt(square);
}

std::vector<std::string> unlike_the_rest(const std::vector<CohortSlide>& cohort) {
  std::vector<std::string> found;
  for (const Measure& measure : measures()) {
    std::vector<double> values, distances;
    for (const CohortSlide& slide : cohort) {
      if (const auto value = measure.of(slide)) values.push_back(*value);
    }
    if (values.size() < kFewestSlides) continue;
    const double middle = median(values);
    for (const double value : values) distances.push_back(std::abs(value - middle));
    const double far =
        std::max(measure.least, kFarDeviations * kDeviationsOfMad * median(distances));
    for (const CohortSlide& slide : cohort) {
      const auto value = measure.of(slide);
      if (!value || std::abs(*value - middle) <= far) continue;
      found.push_back(fmt::format(
          "slide '{}' is unlike the others: its {} is {:.2f}, their median {:.2f}; look at the "
          "picture of its tissue",
          slide.slide_id, measure.name, *value, middle));
    }
  }
  return found;
}

}  // namespace lamella::tissue
