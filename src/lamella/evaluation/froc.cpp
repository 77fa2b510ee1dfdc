// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/froc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/evaluation/intervals_internal.h"

namespace lamella::evaluation {

namespace {

struct Event {
  double confidence = 0;
  int32_t patient = 0;
  bool hit = false;  // of a lesion, else a false positive
};

// All that thresholds are made of, by falling confidence.
struct Events {
  std::vector<Event> events;
  std::vector<double> slides, lesions;  // of each patient
};

Events events_of(const std::vector<SlideHits>& slides) {
  Events all;
  for (const SlideHits& slide : slides) {
    const auto patient = static_cast<size_t>(slide.patient);
    if (patient >= all.slides.size()) {
      all.slides.resize(patient + 1);
      all.lesions.resize(patient + 1);
    }
    ++all.slides[patient];
    all.lesions[patient] += static_cast<double>(slide.lesions);
    for (const double found : slide.found) all.events.push_back({found, slide.patient, true});
    for (const double wrong : slide.false_positives) {
      all.events.push_back({wrong, slide.patient, false});
    }
  }
  std::stable_sort(all.events.begin(), all.events.end(),
                   [](const Event& a, const Event& b) { return a.confidence > b.confidence; });
  return all;
}

// The curve of patients so often drawn, by falling threshold; without the least one.
std::vector<FrocPoint> curve_of(const Events& all, const std::vector<double>& times) {
  double slides = 0, lesions = 0, wrong = 0, found = 0;
  for (size_t k = 0; k < times.size(); ++k) {
    slides += times[k] * all.slides[k];
    lesions += times[k] * all.lesions[k];
  }
  std::vector<FrocPoint> points = {{std::numeric_limits<double>::infinity(), 0, 0}};
  double pending = 0;  // confidence of the events taken since the last point
  bool any = false;
  const auto close = [&] {
    if (any) points.push_back({pending, wrong / slides, found / lesions});
  };
  for (const Event& event : all.events) {
    const double weight = times[static_cast<size_t>(event.patient)];
    if (weight == 0) continue;
    if (any && event.confidence != pending) close();
    pending = event.confidence;
    any = true;
    (event.hit ? found : wrong) += weight;
  }
  return points;  // what is pending is the least threshold: it is dropped
}

// Linear between points; beyond the last one its own.
double sensitivity_at(const std::vector<FrocPoint>& points, double rate) {
  // The last of the points that are not beyond.
  const auto beyond = std::upper_bound(
      points.begin(), points.end(), rate,
      [](double value, const FrocPoint& point) { return value < point.false_positives; });
  const FrocPoint& before = *(beyond - 1);
  if (beyond == points.end()) return before.sensitivity;
  const double part =
      (rate - before.false_positives) / (beyond->false_positives - before.false_positives);
  return before.sensitivity + part * (beyond->sensitivity - before.sensitivity);
}

double score_of(const std::vector<FrocPoint>& points) {
  double sum = 0;
  for (const double rate : kFrocRates) sum += sensitivity_at(points, rate);
  return sum / static_cast<double>(kFrocRates.size());
}

std::vector<double> scores_of(const Events& all, int64_t samples, const FillLane& fill,
                              const Context& context) {
  const auto patients = static_cast<int32_t>(all.slides.size());
  std::vector<double> scores(static_cast<size_t>(samples));
  for_blocks(
      samples, patients, context, fill, [&](int64_t first, const std::vector<Lanes>& weights) {
        std::vector<double> times(weights.size());
        for (size_t l = 0; l < kLanes && static_cast<size_t>(first) + l < scores.size(); ++l) {
          for (size_t k = 0; k < times.size(); ++k) times[k] = weights[k][l];
          scores[static_cast<size_t>(first) + l] = score_of(curve_of(all, times));
        }
      });
  return scores;
}

void add_interval(Froc& froc, const Events& all, const ResamplingOptions& options,
                  const Context& context) {
  Clusters patients{"patients", "other patients", {}, static_cast<int32_t>(all.slides.size())};
  std::vector<int8_t> has_lesions;  // a row a patient
  for (int32_t k = 0; k < patients.count; ++k) {
    patients.of_row.push_back(k);
    has_lesions.push_back(all.lesions[static_cast<size_t>(k)] > 0);
  }
  const auto with = std::count(has_lesions.begin(), has_lesions.end(), 1);
  if (with < kLeastClusters) {
    froc.intervals.note = fmt::format(
        "no interval: {} patients with lesions; at least {} are needed to tell how much the score "
        "varies",
        with, kLeastClusters);
    return;
  }
  froc.intervals = {patients.unit, patients.count, "of " + patients.scope, {}};
  const Strata strata(patients, has_lesions);
  const int64_t parts = jackknife_parts(patients.count);
  const std::vector<double> drawn =
      scores_of(all, options.samples, draw_of(strata, options), context);
  const std::vector<double> left_out = scores_of(all, parts, leave_out(parts), context);
  const double least = 0.5 / static_cast<double>(froc.lesions);
  const auto interval = interval_of({*froc.score, drawn, left_out, with}, Scale::kLogit, least);
  if (interval) froc.intervals.of["score"] = *interval;
}

}  // namespace

Froc froc_of(const std::vector<SlideHits>& slides, const ResamplingOptions& options,
             const Context& context) {
  Froc froc;
  const Events all = events_of(slides);
  froc.slides = static_cast<int64_t>(slides.size());
  for (const SlideHits& slide : slides) froc.lesions += slide.lesions;
  if (froc.lesions == 0) {
    froc.intervals.note = "no score: there are no lesions";
    return froc;
  }
  std::vector<FrocPoint> points = curve_of(all, std::vector<double>(all.slides.size(), 1));
  for (size_t k = 0; k < kFrocRates.size(); ++k) {
    froc.sensitivity[k] = sensitivity_at(points, kFrocRates[k]);
  }
  froc.score = score_of(points);
  std::reverse(points.begin(), points.end());
  // Above every confidence; JSON has no infinity.
  points.back().threshold = all.events.empty() ? 1 : all.events.front().confidence;
  froc.points = std::move(points);
  add_interval(froc, all, options, context);
  return froc;
}

}  // namespace lamella::evaluation
