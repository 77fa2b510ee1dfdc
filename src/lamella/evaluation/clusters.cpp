// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/clusters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace lamella::evaluation {

namespace {

constexpr size_t kMostRows = 4000;   // of a slide, whose pairs are looked at
constexpr size_t kMostSlides = 20;   // the first ones
constexpr double kBinSides = 0.5;    // width of a class of distances
constexpr size_t kLeastPairs = 100;  // in one
constexpr double kUncorrelated = 0.1;

struct Bin {
  double product = 0;
  size_t pairs = 0;
};

struct Correlogram {
  std::vector<Bin> bins;
  double variance = 0;
  size_t rows = 0;
};

int32_t highest(const std::vector<int32_t>& numbers) {
  return numbers.empty() ? -1 : *std::max_element(numbers.begin(), numbers.end());
}

// Class of the row less its probabilities, less the mean of these rows: rows x c.
std::vector<double> residuals(const feature::ScoreMatrix& scores, std::span<const int8_t> labels,
                              const std::vector<size_t>& rows) {
  const auto classes = static_cast<size_t>(scores.classes.count());
  std::vector<double> values(rows.size() * classes), mean(classes, 0.0);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = scores.row(static_cast<int64_t>(rows[i]));
    for (size_t k = 0; k < classes; ++k) {
      values[i * classes + k] = (labels[rows[i]] == static_cast<int8_t>(k) ? 1.0 : 0.0) - row[k];
      mean[k] += values[i * classes + k] / static_cast<double>(rows.size());
    }
  }
  for (size_t i = 0; i < values.size(); ++i) values[i] -= mean[i % classes];
  return values;
}

void add_slide(Correlogram& all, const RowOrigins& origins, const std::vector<size_t>& rows,
               const std::vector<double>& residual) {
  const size_t classes = residual.size() / std::max<size_t>(1, rows.size());
  for (const double value : residual) all.variance += value * value;
  all.rows += rows.size();
  const double most = static_cast<double>(all.bins.size()) * kBinSides;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = i + 1; j < rows.size(); ++j) {
      const double dx = origins.x_sides[rows[i]] - origins.x_sides[rows[j]];
      const double dy = origins.y_sides[rows[i]] - origins.y_sides[rows[j]];
      const double distance = std::sqrt(dx * dx + dy * dy);
      if (distance >= most) continue;
      Bin& bin = all.bins[static_cast<size_t>(distance / kBinSides)];
      ++bin.pairs;
      for (size_t k = 0; k < classes; ++k) {
        bin.product += residual[i * classes + k] * residual[j * classes + k];
      }
    }
  }
}

// At most kMostRows of each of the first slides, evenly.
std::vector<std::vector<size_t>> rows_of_slides(const RowOrigins& origins) {
  std::vector<std::vector<size_t>> rows(
      std::min(kMostSlides, static_cast<size_t>(highest(origins.slide) + 1)));
  for (size_t i = 0; i < origins.slide.size(); ++i) {
    const auto slide = static_cast<size_t>(origins.slide[i]);
    if (slide < rows.size()) rows[slide].push_back(i);
  }
  for (std::vector<size_t>& list : rows) {
    if (list.size() <= kMostRows) continue;
    std::vector<size_t> some;
    for (size_t k = 0; k < kMostRows; ++k) some.push_back(list[k * list.size() / kMostRows]);
    list = std::move(some);
  }
  return rows;
}

// Half the longest side of the rows of any slide.
double half_extent(const RowOrigins& origins, const std::vector<std::vector<size_t>>& slides) {
  double longest = 0;
  for (const std::vector<size_t>& rows : slides) {
    for (const std::vector<double>* axis : {&origins.x_sides, &origins.y_sides}) {
      double low = 1e300, high = -1e300;
      for (const size_t row : rows) {
        low = std::min(low, (*axis)[row]);
        high = std::max(high, (*axis)[row]);
      }
      if (!rows.empty()) longest = std::max(longest, high - low);
    }
  }
  return longest / 2;
}

Clusters by_number(const std::vector<int32_t>& numbers, const char* unit, const char* scope) {
  return {unit, scope, numbers, highest(numbers) + 1};
}

Clusters by_blocks(const RowOrigins& origins, double side) {
  Clusters blocks;
  blocks.unit = origins.side_um > 0
                    ? fmt::format("blocks of {:.2f} mm", side * origins.side_um / 1000)
                    : fmt::format("blocks of {:.1f} patches' sides", side);
  blocks.scope = "other places of these slides, not other patients";
  std::map<std::tuple<int32_t, int64_t, int64_t>, int32_t> numbers;
  for (size_t i = 0; i < origins.slide.size(); ++i) {
    const auto place =
        std::tuple(origins.slide[i], static_cast<int64_t>(std::floor(origins.x_sides[i] / side)),
                   static_cast<int64_t>(std::floor(origins.y_sides[i] / side)));
    blocks.of_row.push_back(
        numbers.emplace(place, static_cast<int32_t>(numbers.size())).first->second);
  }
  blocks.count = static_cast<int32_t>(numbers.size());
  return blocks;
}

}  // namespace

void RowOrigins::append(const RowOrigins& more) {
  const auto add = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add(patient, more.patient);
  add(slide, more.slide);
  add(x_sides, more.x_sides);
  add(y_sides, more.y_sides);
  if (side_um == 0) side_um = more.side_um;
}

Sides sides_of(const Clusters& clusters, std::span<const int8_t> is_class) {
  std::vector<char> with(static_cast<size_t>(clusters.count)), without(with.size());
  for (size_t i = 0; i < is_class.size(); ++i) {
    (is_class[i] ? with : without)[static_cast<size_t>(clusters.of_row[i])] = 1;
  }
  return {std::count(with.begin(), with.end(), 1), std::count(without.begin(), without.end(), 1)};
}

double correlation_range(const RowOrigins& origins, const feature::ScoreMatrix& scores,
                         std::span<const int8_t> labels) {
  if (origins.x_sides.size() != labels.size()) return 0;
  const std::vector<std::vector<size_t>> slides = rows_of_slides(origins);
  Correlogram all;
  all.bins.resize(
      static_cast<size_t>(std::clamp(half_extent(origins, slides) / kBinSides, 0.0, 10000.0)));
  for (const std::vector<size_t>& rows : slides) {
    add_slide(all, origins, rows, residuals(scores, labels, rows));
  }
  if (all.rows < 2 || !(all.variance > 0)) return 0;
  const double variance = all.variance / static_cast<double>(all.rows);
  for (size_t bin = 0; bin < all.bins.size(); ++bin) {
    const Bin& one = all.bins[bin];
    if (one.pairs < kLeastPairs) continue;
    if (one.product / static_cast<double>(one.pairs) / variance < kUncorrelated) {
      return (static_cast<double>(bin) + 0.5) * kBinSides;
    }
  }
  return 0;
}

std::vector<Clusters> cluster_levels(const RowOrigins& origins, const feature::ScoreMatrix& scores,
                                     std::span<const int8_t> labels) {
  std::vector<Clusters> levels;
  const bool patients = !origins.patient.empty();
  if (patients) levels.push_back(by_number(origins.patient, "patients", "other patients"));
  if (!origins.slide.empty() && highest(origins.slide) != highest(origins.patient)) {
    levels.push_back(by_number(origins.slide, "slides",
                               patients ? "other slides of these patients, not other patients"
                                        : "other slides; of other patients, if each has one"));
  }
  const double range = correlation_range(origins, scores, labels);
  if (range > 0) levels.push_back(by_blocks(origins, range));
  return levels;
}

}  // namespace lamella::evaluation
