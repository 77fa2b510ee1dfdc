// SPDX-License-Identifier: Apache-2.0
// What the figures are worth: controls, folds, and slides unlike those of training.
#include <algorithm>

#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

const char* meaning_of_control(const std::string& name) {
  if (name == "shuffled_labels") return "the model's features, training labels in random order";
  if (name == "random_encoder") return "a small network whose weights nobody has trained";
  if (name == "colour_only") return "mean and deviation of each colour of a patch";
  if (name == "position_only") return "where a patch lies on its slide";
  return "";
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// Of two classes those of the last, of more the macro AUC.
std::vector<Cell> figures_row(Html name, const evaluation::ClassMetrics& metrics) {
  const bool two = metrics.per_class.size() <= 2 && !metrics.per_class.empty();
  const std::optional<double> auc = two ? metrics.last().auc : metrics.macro_auc;
  Cell auc_cell = number_cell(auc, 3);
  std::optional<evaluation::Interval> interval;
  if (two) interval = interval_of(metrics.last(), "auc");
  const auto macro = metrics.intervals.of.find("macro_auc");
  if (!two && macro != metrics.intervals.of.end()) interval = macro->second;
  if (interval) auc_cell.shown += html(" <span class=\"ci\">{}</span>", interval_text(*interval));
  return {{std::move(name)},
          count_cell(metrics.n),
          auc_cell,
          number_cell(metrics.accuracy, 3),
          number_cell(metrics.log_loss, 3)};
}

const std::vector<std::string>& heads() {
  static const std::vector<std::string> kHeads = {"", "patches", "AUC", "accuracy", "log loss"};
  return kHeads;
}

}  // namespace

Html controls(const record::RunDocument& run) {
  if (run.controls.empty()) return {};
  std::vector<std::vector<Cell>> rows;
  const auto test = run.metrics.find("test");
  if (test != run.metrics.end()) {
    rows.push_back(figures_row(html("the model"), test->second));
  }
  for (const auto& [name, metrics] : run.controls) {
    rows.push_back(
        figures_row(html("{}<small>{}</small>", spaced(name), meaning_of_control(name)), metrics));
  }
  Html text = html(
      "<p>The same slides, split and training, on what should not suffice. Where one of them comes "
      "near the model, a high figure says little of what the model has learnt. Shuffled labels "
      "give 0.5 on the whole; one draw strays from it the farther the fewer patients there "
      "are.</p>\n");
  text += table(heads(), rows, {.caption = "On the slides to test on", .style = "controls"});
  return text;
}

Html folds(const record::RunDocument& run) {
  if (run.folds.empty()) return {};
  std::vector<std::vector<Cell>> rows;
  for (const record::Fold& fold : run.folds) {
    std::vector<Cell> row = figures_row(html("{}", fold.name), fold.metrics);
    row.insert(row.begin() + 1, {count_cell(static_cast<int64_t>(fold.patients.size())),
                                 count_cell(static_cast<int64_t>(fold.slides.size())),
                                 Cell{html("{}", fmt::format("{:.3g}", fold.lambda)),
                                      fmt::format("{}", fold.lambda), true}});
    rows.push_back(std::move(row));
  }
  std::vector<std::string> names = heads();
  names.front() = "held out";
  names.insert(names.begin() + 1, {"patients", "slides", "penalty"});
  return table(names, rows,
               {.caption = "Each fold by a model of the others; the penalty was chosen within them",
                .sortable = true});
}

Html unlike(const record::RunDocument& run) {
  if (!run.usual) return {};
  std::vector<std::vector<Cell>> rows;
  for (const record::Outcome& slide : run.outcomes) {
    if (!slide.feature_distance && !slide.unsure && !slide.stain_shift) continue;
    std::string why;
    for (const std::string& reason : slide.unlike) why += (why.empty() ? "" : "; ") + reason;
    const Html verdict = why.empty() ? html(slide.role == "train" ? "held out" : "")
                                     : html("<span class=\"badge warn\">unlike</span> {}", why);
    rows.push_back({cell(slide.slide_id),
                    cell(slide.role),
                    number_cell(slide.feature_distance, 3),
                    slide.unsure ? Cell{html("{} %", fixed(100 * *slide.unsure, 0)),
                                        fmt::format("{}", *slide.unsure), true}
                                 : Cell{html("–"), "-1", true},
                    number_cell(slide.stain_shift, 3),
                    {verdict, why.empty() ? "0" : "1"}});
  }
  if (rows.empty()) return {};
  const record::Usual& usual = *run.usual;
  Html text = html(
      "<p>How far a slide's features lie from those of the training patches (median over its "
      "patches, to the fifth nearest; 0 to 2), and of how many patches the model is unsure (no "
      "class reaches 0.8), and by how much optical density its stain differs from theirs. Figures "
      "of slides unlike any of training say little.</p>\n");
  text += usual.feature_distance || usual.unsure
              ? html(
                    "<p>Usual, by {} training slides held out in turn: a distance up to {}, unsure "
                    "of up to {}, a stain that differs by up to {}.</p>\n",
                    usual.slides, fixed_or(usual.feature_distance, 3),
                    usual.unsure ? fixed(100 * *usual.unsure, 0) + " %" : "–",
                    fixed_or(usual.stain_shift, 3))
              : html(
                    "<p>{} training slides of more than one patient could be held out: too few to "
                    "say what is usual (5 are needed).</p>\n",
                    usual.slides);
  text +=
      table({"slide", "role", "distance", "unsure", "stain", "verdict"}, rows,
            {.caption = "Slides beside those of training", .sortable = true, .style = "unlike"});
  return text;
}

}  // namespace lamella::report
