// SPDX-License-Identifier: Apache-2.0
// The trials of a search.
#include <algorithm>

#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

Html trials_table(const record::Search& search) {
  std::vector<std::vector<Cell>> rows;
  for (const record::SearchTrial& trial : search.trials) {
    Html verdict = html("{}", trial.status == "done" ? "" : trial.status);
    if (trial.name == search.chosen) verdict = html("<span class=\"badge\">chosen</span>");
    if (trial.error) {
      verdict = html("<span class=\"badge warn\">failed</span> {}", *trial.error);
    }
    rows.push_back(
        {cell(trial.name),
         number_cell(trial.log_loss, 4),
         number_cell(trial.auc, 4),
         Cell{html("{}", trial.lambda ? fmt::format("{:.3g}", *trial.lambda) : "–"),
              fmt::format("{}", trial.lambda.value_or(-1)), true},
         count_cell(trial.patches),
         Cell{html("{}", seconds_text(trial.seconds)), fmt::format("{}", trial.seconds), true},
         {verdict, trial.status}});
  }
  return table({"trial", "held-out log loss", "held-out AUC", "penalty", "patches", "time", ""},
               rows,
               {.caption = "Every combination, by rows of the training patients that were held out",
                .sortable = true});
}

}  // namespace

Html search(const record::RunDocument& run) {
  if (!run.search) return {};
  const record::Search& found = *run.search;
  Html text = html(
      "<p>Combinations of options were compared by the {} of training rows held out by patient; "
      "the slides to test on had no part in it. The best one, <strong>{}</strong>, was then run "
      "whole, once: run <code>{}</code> has its report. Held-out figures of the best of many are "
      "better than what it will show elsewhere; those of slides to test on, and of folds, are "
      "not.</p>\n",
      found.by == "auc" ? "AUC" : "log loss", found.chosen.empty() ? "none" : found.chosen,
      found.chosen_run_id);
  text += trials_table(found);
  if (found.folds.empty()) return text;
  std::vector<std::vector<Cell>> rows;
  for (const record::SearchFold& fold : found.folds) {
    rows.push_back({cell(fold.name), cell(fold.trial), number_cell(fold.log_loss, 4),
                    number_cell(fold.auc, 4)});
  }
  return text += table({"held out", "trial chosen without it", "log loss", "AUC"}, rows,
                       {.caption = "The choice made anew without each fold, and the figures of "
                                   "its rows"});
}

}  // namespace lamella::report
