// SPDX-License-Identifier: Apache-2.0
// The curves behind the figures.
#include <algorithm>
#include <numeric>

#include "lamella/report/plot_internal.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

using Curves = std::vector<evaluation::ClassCurves>;

std::vector<PointF> points_of(const std::vector<evaluation::CurvePoint>& curve) {
  std::vector<PointF> points;
  for (const evaluation::CurvePoint& point : curve) points.push_back({point.x, point.y});
  return points;
}

bool any_points(const Plot& plot) {
  return std::any_of(plot.series.begin(), plot.series.end(),
                     [](const Series& series) { return !series.points.empty(); });
}

Plot roc(const Curves& curves) {
  Plot plot{.id = "roc",
            .title = "ROC curve",
            .reading =
                "Each point is a threshold: how many of the class are found, against how "
                "many of the rest are called so too. Nearer to the upper left is better.",
            .x = {.title = "1 − specificity"},
            .y = {.title = "sensitivity"},
            .reference = Reference::kDiagonal,
            .reference_name = "guessing"};
  for (size_t k = 0; k < curves.size(); ++k) {
    plot.series.push_back({.name = curves[k].class_name,
                           .points = points_of(curves[k].roc),
                           .colour = static_cast<int>(k)});
  }
  return plot;
}

Plot precision_recall(const Curves& curves, const evaluation::ClassMetrics& metrics) {
  Plot plot{.id = "pr",
            .title = "Precision and recall",
            .reading =
                "How many of those called the class are of it, as more of the class are "
                "found. Guessing gives the class's share of the patches.",
            .x = {.title = "recall"},
            .y = {.title = "precision"}};
  for (size_t k = 0; k < curves.size(); ++k) {
    plot.series.push_back({.name = curves[k].class_name,
                           .points = points_of(curves[k].precision_recall),
                           .colour = static_cast<int>(k)});
  }
  if (curves.size() == 1 && metrics.n > 0 && !metrics.per_class.empty()) {
    plot.reference = Reference::kLevel;
    plot.reference_at =
        static_cast<double>(metrics.last().n_positive) / static_cast<double>(metrics.n);
    plot.reference_name = "guessing";
  }
  return plot;
}

Plot reliability(const Curves& curves) {
  Plot plot{.id = "reliability",
            .title = "Reliability",
            .reading =
                "Patches by their score: what was promised, against what came true. On the "
                "line the scores are probabilities; below it they promise too much.",
            .x = {.title = "mean score"},
            .y = {.title = "share that is of the class"},
            .reference = Reference::kDiagonal,
            .reference_name = "right"};
  for (size_t k = 0; k < curves.size(); ++k) {
    Series series{
        .name = curves[k].class_name, .kind = Series::Kind::kMarks, .colour = static_cast<int>(k)};
    for (const evaluation::ReliabilityBin& bin : curves[k].reliability) {
      series.points.push_back({bin.mean_score, bin.share});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

Plot decision(const evaluation::ClassCurves& curve, const std::string& suffix) {
  Plot plot{.id = "decision" + suffix,
            .title = "Decision curve" + (suffix.empty() ? "" : ", " + curve.class_name),
            .reading =
                "Net benefit of acting where the score reaches the threshold: patches "
                "rightly acted on, less those acted on in vain, weighed by the threshold's "
                "odds. The model helps where it lies above both others.",
            .x = {.title = "threshold probability"},
            .y = {.title = "net benefit"},
            .reference = Reference::kLevel,
            .reference_name = "act on none"};
  Series model{.name = "act by the model", .colour = 0}, all{.name = "act on all", .colour = 1};
  double best = 0.01;
  for (const evaluation::NetBenefit& point : curve.decision) {
    model.points.push_back({point.threshold, point.model});
    all.points.push_back({point.threshold, point.all});
    best = std::max({best, point.model, point.all});
  }
  plot.y.low = -0.15 * best;  // what lies deeper only says "do not"
  plot.y.high = 1.05 * best;
  const auto below = [&](const PointF& point) { return point.y < plot.y.low; };
  all.points.erase(std::find_if(all.points.begin(), all.points.end(), below), all.points.end());
  plot.series = {std::move(model), std::move(all)};
  return plot;
}

Series histogram_of(const std::vector<int64_t>& bins, double sign) {
  Series series{.kind = Series::Kind::kBars};
  const auto sum = static_cast<double>(std::accumulate(bins.begin(), bins.end(), int64_t{0}));
  if (sum == 0) return series;
  series.bar_width = 1.0 / static_cast<double>(bins.size());
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    if (bins[bin] == 0) continue;
    series.points.push_back({(static_cast<double>(bin) + 0.5) * series.bar_width,
                             sign * static_cast<double>(bins[bin]) / sum});
  }
  return series;
}

Plot histogram(const evaluation::ClassCurves& curve, const std::string& suffix) {
  Plot plot{.id = "scores" + suffix,
            .title = "Scores" + (suffix.empty() ? "" : ", " + curve.class_name),
            .reading =
                "Patches of the class upwards, all others downwards, each as a share of "
                "their own. The less they lie above one another, the better they are told "
                "apart.",
            .x = {.title = "score of " + curve.class_name},
            .y = {.title = "share of the patches", .mirrored = true}};
  Series own = histogram_of(curve.histogram, 1), rest = histogram_of(curve.histogram_rest, -1);
  own.name = curve.class_name;
  rest.name = "all others";
  rest.colour = 1;
  double most = 0.01;
  for (const Series* series : {&own, &rest}) {
    for (const PointF& point : series->points) most = std::max(most, std::abs(point.y));
  }
  plot.y.low = -1.05 * most;
  plot.y.high = 1.05 * most;
  plot.series = {std::move(own), std::move(rest)};
  return plot;
}

Html curves_of(const record::RunDocument& run, const std::string& role) {
  const Curves& curves = run.details.at(role).curves;
  const auto metrics = run.metrics.find(role);
  std::vector<Plot> plots = {
      roc(curves),
      precision_recall(curves,
                       metrics == run.metrics.end() ? evaluation::ClassMetrics{} : metrics->second),
      reliability(curves)};
  for (size_t k = 0; k < curves.size(); ++k) {
    const std::string suffix = curves.size() == 1 ? "" : fmt::format("-{}", k);
    plots.push_back(histogram(curves[k], suffix));
    plots.push_back(decision(curves[k], suffix));
  }
  Html text;
  for (Plot& plot : plots) {
    if (!any_points(plot)) continue;
    plot.id = role + "-" + plot.id;
    text += draw(plot);
  }
  return text.empty() ? text : html("<div class=\"plots\">\n{}</div>\n", text);
}

}  // namespace

Html curves(const record::RunDocument& run) {
  Html text;
  for (const std::string& role : roles_of(run)) {
    if (!run.details.contains(role)) continue;
    const Html plots = curves_of(run, role);
    if (plots.empty()) continue;
    if (role == "train" && !text.empty()) {
      text += folded("curves of train: data that the model has seen", plots);
    } else {
      text += html("<h3>{}</h3>\n", role);
      text += plots;
    }
  }
  return text;
}

Html penalty_path(const record::RunDocument& run) {
  if (!run.training || run.training->trials.empty()) return {};
  const record::Training& training = *run.training;
  std::vector<double> lambdas, losses;
  Series mean{.name = "mean of the folds", .kind = Series::Kind::kMarks, .colour = 0};
  std::vector<Series> folds;
  for (const record::Trial& trial : training.trials) {
    lambdas.push_back(trial.lambda);
    losses.push_back(trial.mean_log_loss);
    mean.points.push_back({trial.lambda, trial.mean_log_loss});
    for (size_t k = 0; k < trial.fold_log_loss.size(); ++k) {
      if (folds.size() <= k) {
        folds.push_back(
            {.name = fmt::format("fold {}", k + 1), .colour = 1, .faint = true, .unnamed = k > 0});
      }
      folds[k].points.push_back({trial.lambda, trial.fold_log_loss[k]});
      losses.push_back(trial.fold_log_loss[k]);
    }
  }
  if (!folds.empty()) folds.front().name = "each fold";
  Plot plot{.id = "penalty-path",
            .title = "Penalty path",
            .reading =
                "Log loss of the held-out folds for each penalty that was tried; the least "
                "mean was taken. A choice at the path's end says that a better one may lie "
                "beyond it.",
            .x = axis_around("penalty", lambdas, true),
            .y = axis_around("log loss", losses, false),
            .series = std::move(folds),
            .reference = training.lambda > 0 ? Reference::kVertical : Reference::kNone,
            .reference_at = training.lambda,
            .reference_name = fmt::format("taken: {:.3g}", training.lambda)};
  plot.series.push_back(std::move(mean));
  return html("<div class=\"plots\">\n{}</div>\n", draw(plot));
}

}  // namespace lamella::report
