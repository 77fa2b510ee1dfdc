// SPDX-License-Identifier: Apache-2.0
// Lesions: what was found of them, and what was found beside them.
#include <algorithm>

#include "lamella/report/plot_internal.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

Html curve(const evaluation::Froc& froc) {
  Plot plot{.id = "froc",
            .title = "Free-response ROC",
            .reading =
                "How many of the lesions are found, against false detections on a slide, as "
                "the threshold falls. The score is the mean sensitivity at the six marks.",
            .x = {.title = "false positives per slide", .high = evaluation::kFrocRates.back()},
            .y = {.title = "sensitivity"}};
  Series line{.name = "lesions"};
  Series rates{.name = "the six rates", .kind = Series::Kind::kMarks, .colour = 1};
  for (const evaluation::FrocPoint& point : froc.points) {
    if (point.false_positives <= plot.x.high) {
      line.points.push_back({point.false_positives, point.sensitivity});
    }
  }
  std::sort(line.points.begin(), line.points.end(), [](const PointF& a, const PointF& b) {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
  });
  for (size_t k = 0; k < evaluation::kFrocRates.size(); ++k) {
    rates.points.push_back({evaluation::kFrocRates[k], froc.sensitivity[k]});
  }
  plot.series = {std::move(line), std::move(rates)};
  return html("<div class=\"plots\">\n{}</div>\n", draw(plot));
}

Html slides_table(const std::vector<evaluation::SlideHits>& slides) {
  std::vector<std::vector<Cell>> rows;
  for (const evaluation::SlideHits& slide : slides) {
    const auto found = std::count_if(slide.found.begin(), slide.found.end(),
                                     [](double confidence) { return confidence > 0; });
    rows.push_back({cell(slide.slide_id), count_cell(slide.lesions),
                    count_cell(static_cast<int64_t>(found)),
                    count_cell(static_cast<int64_t>(slide.false_positives.size()))});
  }
  return table({"slide", "lesions", "found", "false positives"}, rows,
               {.caption = "Every slide, whatever the confidence", .sortable = true});
}

}  // namespace

Html froc(const ReportPictures& pictures) {
  if (!pictures.froc) return {};
  const evaluation::Froc& froc = *pictures.froc;
  std::vector<std::vector<Cell>> rows;
  for (size_t k = 0; k < evaluation::kFrocRates.size(); ++k) {
    rows.push_back(
        {cell(fmt::format("{}", evaluation::kFrocRates[k])), number_cell(froc.sensitivity[k], 3)});
  }
  Html text = curve(froc);
  text += table({"false positives per slide", "sensitivity"}, rows,
                {.caption = "Sensitivity at the rates of CAMELYON16"});
  if (!froc.intervals.note.empty()) {
    text += html("<p class=\"note\">The score's interval: {}.</p>\n", froc.intervals.note);
  }
  text += slides_table(pictures.hits);
  return text;
}

Html froc_sentence(const evaluation::Froc& froc) {
  Html text = html("<p class=\"lede\">On {} slides with {} lesions, ", count(froc.slides),
                   count(froc.lesions));
  if (!froc.score) {
    text += html("there is no FROC score: without lesions none can be found.</p>\n");
    return text;
  }
  text += html("the FROC score is <strong>{}</strong>", fixed(*froc.score, 3));
  const auto interval = froc.intervals.of.find("score");
  if (interval != froc.intervals.of.end()) {
    text += html(" (95 % interval {})", interval_text(interval->second));
  }
  text += html(".</p>\n");
  return text;
}

}  // namespace lamella::report
