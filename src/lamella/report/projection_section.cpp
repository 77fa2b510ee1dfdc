// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "lamella/report/plot_internal.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

constexpr size_t kMostColours = 7;  // names beyond them are grey

Plot empty_plot(const std::string& id, const std::string& title, const Projection& projection) {
  std::vector<double> x, y;
  for (const PointF& place : projection.places) {
    x.push_back(place.x);
    y.push_back(place.y);
  }
  Plot plot{.id = "umap-" + id,
            .title = title,
            .x = axis_around("", x, false),
            .y = axis_around("", y, false),
            .bare = true};
  return plot;
}

// A series for each name, the most frequent first.
Plot by_name(const std::string& id, const std::string& title, const Projection& projection,
             const std::vector<std::string>& names) {
  std::map<std::string, std::vector<PointF>> points;
  for (size_t i = 0; i < names.size(); ++i) points[names[i]].push_back(projection.places[i]);
  std::vector<std::pair<std::string, std::vector<PointF>>> sorted(points.begin(), points.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  Plot plot = empty_plot(id, title, projection);
  Series rest{.name = "others", .kind = Series::Kind::kDots, .faint = true};
  for (size_t k = 0; k < sorted.size(); ++k) {
    if (k >= kMostColours) {
      rest.points.insert(rest.points.end(), sorted[k].second.begin(), sorted[k].second.end());
      continue;
    }
    plot.series.push_back({.name = sorted[k].first,
                           .points = std::move(sorted[k].second),
                           .kind = Series::Kind::kDots,
                           .colour = static_cast<int>(k)});
  }
  if (!rest.points.empty()) plot.series.insert(plot.series.begin(), std::move(rest));
  return plot;
}

Plot by_score(const Projection& projection) {
  constexpr size_t kSteps = 5;
  Plot plot = empty_plot("score", "By score of " + projection.score_of, projection);
  for (size_t k = 0; k < kSteps; ++k) {
    plot.series.push_back({.name = fmt::format("{:.1f}–{:.1f}", 0.2 * static_cast<double>(k),
                                               0.2 * static_cast<double>(k + 1)),
                           .kind = Series::Kind::kDots,
                           .style = fmt::format("s{}", k)});
  }
  for (size_t i = 0; i < projection.scores.size(); ++i) {
    const auto step = std::min(
        kSteps - 1, static_cast<size_t>(projection.scores[i] * static_cast<double>(kSteps)));
    plot.series[step].points.push_back(projection.places[i]);
  }
  return plot;
}

}  // namespace

Html projection(const ReportPictures& pictures) {
  if (!pictures.projection) return {};
  const Projection& shown = *pictures.projection;
  Html plots = draw(by_name("class", "By class", shown, shown.classes));
  plots += draw(by_score(shown));
  plots += draw(by_name("patient", "By patient", shown, shown.patients));
  plots += draw(by_name("slide", "By slide", shown, shown.slides));
  return html(
      "<p>{} of {} labelled patches laid out so that those with like features lie together ({}). "
      "Classes should part; patients and slides should not: where they do, the features know the "
      "laboratory. How far groups lie apart says little.</p>\n<div class=\"plots\">\n{}</div>\n",
      count(static_cast<int64_t>(shown.places.size())), count(static_cast<int64_t>(shown.of)),
      shown.made_by, plots);
}

}  // namespace lamella::report
