// SPDX-License-Identifier: Apache-2.0
// Figures with their intervals, and who they are of.
#include <algorithm>
#include <functional>
#include <map>

#include "lamella/report/plot_internal.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

// How to read a figure, where its name does not say it.
const char* meaning_of(const std::string& name) {
  static const std::map<std::string, const char*> meanings = {
      {"auc", "chance that a patch of the class scores above one of another; 0.5 is guessing"},
      {"auc_independent", "an interval as most papers give it; too narrow, for comparison only"},
      {"auc_obuchowski", "the same by a formula instead of drawing anew"},
      {"average_precision", "area under precision by recall; guessing gives the class's share"},
      {"sensitivity_at_95_specificity", "found of the class where 5 % of the rest are called so"},
      {"specificity_at_95_sensitivity", "rightly left where 95 % of the class are found"},
      {"accuracy", "right at a threshold of 0.5"},
      {"balanced_accuracy", "mean of sensitivity and specificity at 0.5"},
      {"brier", "mean squared error of the probabilities; 0 is best"},
      {"class_log_loss", "mean surprise at the truth; 0 is best"},
      {"calibration_slope", "1 is right; below 1: the scores are too extreme"},
      {"calibration_intercept", "0 is right"},
      {"calibration_in_the_large", "0 is right; above 0: the scores are too low on the whole"},
      {"ece", "mean distance of probabilities from what came true; 0 is best"},
      {"ece_floor", "what ECE would be of so many patches if the scores were right"}};
  const auto found = meanings.find(name);
  return found == meanings.end() ? "" : found->second;
}

bool ends_interval(const std::string& name) {
  return name.ends_with("_low") || name.ends_with("_high");
}

bool is_figure(const std::string& name) {
  return std::any_of(evaluation::kMetricRows.begin(), evaluation::kMetricRows.end(),
                     [&](const evaluation::MetricRow& row) { return row.name == name; });
}

// A column: the figures of one class in one set.
struct Column {
  std::string title;
  const evaluation::Metrics* metrics;
};

Cell figure_cell(const evaluation::Metrics& metrics, const evaluation::MetricRow& row) {
  const std::string name = row.name;
  if (std::holds_alternative<int64_t evaluation::Metrics::*>(row.member)) {
    return count_cell(metrics.*std::get<int64_t evaluation::Metrics::*>(row.member));
  }
  Cell result = number_cell(evaluation::metric_value(metrics, row), 3);
  if (const auto interval = interval_of(metrics, name)) {
    result.shown += html(" <span class=\"ci\">{}</span>", interval_text(*interval));
  }
  return result;
}

Html name_of(const std::string& title, const std::string& name) {
  const std::string meaning = meaning_of(name);
  return meaning.empty() ? html("{}", title) : html("{}<small>{}</small>", title, meaning);
}

// An interval that is no figure's own: of another way of making it.
std::vector<Cell> interval_row(const std::vector<Column>& columns, const std::string& name,
                               const std::string& title) {
  std::vector<Cell> cells = {{name_of(title, name)}};
  bool any = false;
  for (const Column& column : columns) {
    const auto interval = interval_of(*column.metrics, name);
    any = any || interval;
    cells.push_back({html("<span class=\"ci\">{}</span>",
                          interval ? interval_text(*interval) : std::string("–")),
                     {},
                     true});
  }
  return any ? cells : std::vector<Cell>{};
}

Html figures_table(const std::vector<Column>& columns, const std::string& caption) {
  std::vector<std::string> heads = {"figure"};
  for (const Column& column : columns) heads.push_back(column.title);
  std::vector<std::vector<Cell>> rows;
  for (const evaluation::MetricRow& row : evaluation::kMetricRows) {
    std::string name = row.name;
    if (ends_interval(name)) {
      if (name.ends_with("_high")) continue;
      name.resize(name.size() - 4);
      if (is_figure(name)) continue;  // stands beside it
      auto cells = interval_row(columns, name, fmt::format("AUC, 95 % interval, {}", row.title));
      if (!cells.empty()) rows.push_back(std::move(cells));
      continue;
    }
    std::vector<Cell> cells = {{name_of(row.title, name)}};
    bool any = false;
    for (const Column& column : columns) {
      cells.push_back(figure_cell(*column.metrics, row));
      any = any || cells.back().sort != "-inf";
    }
    if (any) rows.push_back(std::move(cells));
  }
  return table(heads, rows, {.caption = caption, .style = "figures"});
}

Html confusion(const evaluation::ClassMetrics& metrics, const std::string& role) {
  if (metrics.confusion.empty() || metrics.classes.empty()) return {};
  std::vector<std::string> heads = {"is \\ called"};
  for (const std::string& name : metrics.classes.names) heads.push_back(name);
  std::vector<std::vector<Cell>> rows;
  for (size_t is = 0; is < metrics.confusion.size(); ++is) {
    int64_t sum = 0;
    for (const int64_t n : metrics.confusion[is]) sum += n;
    std::vector<Cell> cells = {cell(metrics.classes.name(static_cast<int>(is)))};
    for (size_t called = 0; called < metrics.confusion[is].size(); ++called) {
      const int64_t n = metrics.confusion[is][called];
      const double part = sum == 0 ? 0 : static_cast<double>(n) / static_cast<double>(sum);
      cells.push_back({html("<span class=\"{}\">{}</span> <span class=\"ci\">{} %</span>",
                            is == called ? "hit" : "miss", count(n), fixed(100 * part, 0)),
                       {},
                       true});
    }
    rows.push_back(std::move(cells));
  }
  return table(heads, rows,
               {.caption = fmt::format("{}: patches by class and by most likely class", role)});
}

std::string overall(const evaluation::ClassMetrics& metrics) {
  std::string text;
  const auto add = [&](const char* title, const char* name, const std::optional<double>& value) {
    if (!value) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", title, fixed(*value, 3));
    const auto found = metrics.intervals.of.find(name);
    if (found != metrics.intervals.of.end()) text += " (" + interval_text(found->second) + ")";
  };
  add("Macro AUC", "macro_auc", metrics.macro_auc);
  add("accuracy", "accuracy", metrics.accuracy);
  add("log loss", "log_loss", metrics.log_loss);
  return text;
}

}  // namespace

Html figures(const record::RunDocument& run) {
  const std::vector<std::string> roles = roles_of(run);
  Html text;
  std::vector<Column> of_two;  // sets of two classes stand side by side
  for (const std::string& role : roles) {
    const evaluation::ClassMetrics& metrics = run.metrics.at(role);
    if (metrics.per_class.empty()) continue;
    if (metrics.classes.count() <= 2) {
      of_two.push_back({role, &metrics.last()});
      continue;
    }
    std::vector<Column> columns;
    for (size_t k = 0; k < metrics.per_class.size(); ++k) {
      columns.push_back({metrics.classes.name(static_cast<int>(k)), &metrics.per_class[k]});
    }
    text += html("<h3>{}</h3>\n<p>{}.</p>\n", role, overall(metrics));
    text += figures_table(columns, fmt::format("{}: each class against the rest", role));
  }
  if (!of_two.empty()) {
    const evaluation::ClassMetrics& first = run.metrics.at(of_two.front().title);
    text += figures_table(of_two, first.classes.empty() ? std::string("Figures")
                                                        : fmt::format("Figures of {} against {}",
                                                                      first.classes.names.back(),
                                                                      first.classes.names.front()));
  }
  for (const Column& column : of_two) {
    const evaluation::Intervals& intervals = column.metrics->intervals;
    if (!intervals.note.empty()) {
      text += html("<p class=\"note\">Intervals of {}: {}.</p>\n", column.title, intervals.note);
    }
  }
  for (const std::string& role : roles) text += confusion(run.metrics.at(role), role);
  if (!text.empty() && run.metrics.contains("train")) {
    text += html(
        "<p class=\"note\">Figures of train are those of data that the model has seen: "
        "they say how well it fits, not how well it does.</p>\n");
  }
  return text;
}

namespace {

constexpr size_t kPatientsDrawn = 12;

// Those with the most patches; of one class against the rest.
Html reliability_of_patients(const std::vector<evaluation::GroupFigures>& groups,
                             const std::string& class_name, const std::string& role,
                             const std::string& suffix) {
  std::vector<const evaluation::GroupFigures*> shown;
  for (const evaluation::GroupFigures& group : groups) {
    if (group.kind == "patient" && group.class_name == class_name && !group.reliability.empty()) {
      shown.push_back(&group);
    }
  }
  if (shown.size() < 2) return {};  // of one it is the curve of all
  const size_t all = shown.size();
  std::ranges::stable_sort(shown, std::greater<>(),
                           [](const evaluation::GroupFigures* group) { return group->n; });
  if (shown.size() > kPatientsDrawn) shown.resize(kPatientsDrawn);
  Plot plot{.id = role + "-reliability-by-patient" + suffix,
            .title = "Reliability, patient by patient" + (suffix.empty() ? "" : ", " + class_name),
            .reading =
                "Patches of each patient by their score: what was promised, against what "
                "came true. Where the lines part, no one calibration is right for all.",
            .x = {.title = "mean score"},
            .y = {.title = "share that is of the class"},
            .reference = Reference::kDiagonal,
            .reference_name = "right"};
  if (all > shown.size()) {
    plot.reading += fmt::format(" Of {} patients the {} with the most patches.", all, shown.size());
  }
  for (size_t k = 0; k < shown.size(); ++k) {
    Series series{
        .name = shown[k]->id, .kind = Series::Kind::kMarks, .colour = static_cast<int>(k % 8)};
    for (const evaluation::ReliabilityBin& bin : shown[k]->reliability) {
      series.points.push_back({bin.mean_score, bin.share});
    }
    plot.series.push_back(std::move(series));
  }
  return draw(plot);
}

Html reliability_of_patients(const record::RunDocument& run, const std::string& role) {
  const evaluation::Details& details = run.details.at(role);
  Html plots;
  for (size_t k = 0; k < details.curves.size(); ++k) {
    plots += reliability_of_patients(details.groups, details.curves[k].class_name, role,
                                     details.curves.size() == 1 ? "" : fmt::format("-{}", k + 1));
  }
  return plots.empty() ? plots : html("<div class=\"plots\">\n{}</div>\n", plots);
}

}  // namespace

Html patients(const record::RunDocument& run) {
  Html text;
  for (const std::string& role : roles_of(run)) {
    const auto found = run.details.find(role);
    if (found == run.details.end()) continue;
    const bool several = run.metrics.at(role).classes.count() > 2;
    std::vector<std::vector<Cell>> rows;
    for (const evaluation::GroupFigures& group : found->second.groups) {
      if (group.kind != "patient") continue;
      std::vector<Cell> cells = {cell(group.id)};
      if (several) cells.push_back(cell(group.class_name));
      cells.insert(cells.end(),
                   {count_cell(group.n), count_cell(group.n_positive), number_cell(group.auc, 3),
                    number_cell(group.accuracy, 3), number_cell(group.mean_score, 3),
                    number_cell(group.brier, 3), number_cell(group.calibration_slope, 2),
                    number_cell(group.calibration_intercept, 2)});
      rows.push_back(std::move(cells));
    }
    if (rows.empty()) continue;
    std::vector<std::string> heads = {"patient"};
    if (several) heads.push_back("class");
    heads.insert(heads.end(), {"patches", "of the class", "AUC", "accuracy", "mean score", "Brier",
                               "slope", "intercept"});
    Html one = table(heads, rows, {.caption = "Patients of " + role, .sortable = true});
    one += reliability_of_patients(run, role);
    text += role == "train" ? folded("patients of train", one) : one;
  }
  return text;
}

}  // namespace lamella::report
