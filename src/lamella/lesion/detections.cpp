// SPDX-License-Identifier: Apache-2.0
#include "lamella/lesion/detections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"

namespace lamella::lesion {

namespace {

constexpr double kMostPx = 1e9;

double number(const std::string& path, const io::CsvRow& row, size_t field, const char* expected) {
  const auto value = io::csv_number(row, field);
  if (!value) io::throw_csv_error(path, row, field, expected);
  return *value;
}

int64_t coordinate(const std::string& path, const io::CsvRow& row, size_t field) {
  const char* expected = "a whole number of level-0 px";
  const double value = number(path, row, field, expected);
  if (!(std::abs(value) <= kMostPx) || value != std::floor(value)) {
    io::throw_csv_error(path, row, field, expected);
  }
  return static_cast<int64_t>(value);
}

}  // namespace

std::vector<Detection> read_detections(const std::string& path, io::Notes notes) {
  std::vector<Detection> detections;
  const std::vector<io::CsvRow> rows = io::read_csv(path, notes);
  for (size_t i = 0; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (row.fields.size() != 3) {
      io::throw_csv_error(path, row, std::min<size_t>(row.fields.size(), 3), "confidence,x,y");
    }
    if (i == 0 && to_lower(trim(row.fields[0])) == "confidence") {
      if (notes) notes->push_back("the header is left out: submissions have none");
      continue;
    }
    const double confidence = number(path, row, 0, "a confidence of at least 0");
    if (confidence < 0) io::throw_csv_error(path, row, 0, "a confidence of at least 0");
    detections.push_back({confidence, coordinate(path, row, 1), coordinate(path, row, 2)});
  }
  return detections;
}

void write_detections(const std::vector<Detection>& detections, const std::string& path) {
  std::string text;
  for (const Detection& one : detections) {
    text += fmt::format("{},{},{}\n", format_double(one.confidence), one.x_px, one.y_px);
  }
  io::write_file_atomic(path, text);
}

void write_slide_probabilities(const std::vector<SlideProbability>& slides,
                               const std::string& path) {
  std::string text = "image,probability\n";
  for (const SlideProbability& slide : slides) {
    text += fmt::format("{},{}\n", slide.slide_id, format_double(slide.probability));
  }
  io::write_file_atomic(path, text);
}

std::vector<SlideProbability> read_slide_probabilities(const std::string& path) {
  std::vector<SlideProbability> slides;
  std::set<std::string> seen;
  const std::vector<io::CsvRow> rows = io::read_csv(path);
  for (size_t i = 0; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (row.fields.size() != 2) {
      io::throw_csv_error(path, row, std::min<size_t>(row.fields.size(), 2), "image,probability");
    }
    const std::string id(trim(row.fields[0]));
    if (i == 0 && to_lower(id) == "image") continue;
    if (!seen.insert(to_lower(id)).second) io::throw_csv_error(path, row, 0, "every slide once");
    const double probability = number(path, row, 1, "a probability 0-1");
    if (probability < 0 || probability > 1) io::throw_csv_error(path, row, 1, "a probability 0-1");
    slides.push_back({id, probability});
  }
  return slides;
}

const OptionTable<DetectOptions>& DetectOptions::table() {
  static const auto kTable =
      OptionTable<DetectOptions>()
          .row("threshold", &DetectOptions::threshold,
               {.help = "scores above it are detections", .least = 0, .most = 1})
          .row("radius_px", &DetectOptions::radius_px,
               {.help = "around a detection there is no other one",
                .unit = "px",
                .least = 0,
                .most = 1e6});
  return kTable;
}

void DetectOptions::validate() const { table().check(*this); }

std::vector<Detection> detect(const std::vector<ScoredPlace>& places,
                              const DetectOptions& options) {
  options.validate();
  std::vector<size_t> order;
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].score > options.threshold) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return places[a].score > places[b].score; });
  // Detections by squares of the radius: only neighbours can be near.
  const double side = std::max(1.0, options.radius_px);
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> taken;
  std::vector<Detection> detections;
  for (const size_t i : order) {
    const ScoredPlace& place = places[i];
    const auto u = static_cast<int64_t>(std::floor(place.x_px / side));
    const auto v = static_cast<int64_t>(std::floor(place.y_px / side));
    bool near = false;
    for (int64_t dv = -1; dv <= 1 && !near; ++dv) {
      for (int64_t du = -1; du <= 1 && !near; ++du) {
        const auto found = taken.find({u + du, v + dv});
        if (found == taken.end()) continue;
        near = std::any_of(found->second.begin(), found->second.end(), [&](size_t k) {
          return std::hypot(places[k].x_px - place.x_px, places[k].y_px - place.y_px) <=
                 options.radius_px;
        });
      }
    }
    if (near) continue;
    taken[{u, v}].push_back(i);
    detections.push_back({place.score, static_cast<int64_t>(std::floor(place.x_px)),
                          static_cast<int64_t>(std::floor(place.y_px))});
  }
  return detections;
}

}  // namespace lamella::lesion
