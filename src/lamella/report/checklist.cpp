// SPDX-License-Identifier: Apache-2.0
// What TRIPOD+AI (Collins et al., BMJ 2024;385:e078378) and CLAIM (2024 update: Tejani et al.,
// Radiology: Artificial Intelligence 2024;6:e240300) ask of a paper, filled as far as a record can.
#include <algorithm>

#include "lamella/base/text.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

enum class State { kFilled, kPartly, kAuthor };

struct Item {
  const char* tripod;  // numbers of the items, "" if it has none
  const char* claim;
  const char* asks;
  std::string answer = {};
  State state = State::kAuthor;
};

class Checklist {
 public:
  void part(const char* title) { parts_.push_back({title, {}}); }
  void author(const char* tripod, const char* claim, const char* asks, std::string hint = {}) {
    parts_.back().items.push_back({tripod, claim, asks, std::move(hint), State::kAuthor});
  }
  // Where the record is silent it is left to the author.
  void filled(const char* tripod, const char* claim, const char* asks, std::string answer) {
    const State state = answer.empty() ? State::kAuthor : State::kFilled;
    parts_.back().items.push_back({tripod, claim, asks, std::move(answer), state});
  }
  void partly(const char* tripod, const char* claim, const char* asks, std::string answer) {
    const State state = answer.empty() ? State::kAuthor : State::kPartly;
    parts_.back().items.push_back({tripod, claim, asks, std::move(answer), state});
  }
  Html page() const;

 private:
  struct Part {
    const char* title;
    std::vector<Item> items;
  };
  std::vector<Part> parts_;
};

Html state_badge(State state) {
  switch (state) {
    case State::kFilled:
      return html("<span class=\"badge good\">from the record</span>");
    case State::kPartly:
      return html("<span class=\"badge warn\">in part</span>");
    case State::kAuthor:
      break;
  }
  return html("<span class=\"badge todo\">left to the author</span>");
}

Html Checklist::page() const {
  int64_t filled = 0, partly = 0, author = 0;
  Html tables;
  for (const Part& part : parts_) {
    std::vector<std::vector<Cell>> rows;
    for (const Item& item : part.items) {
      (item.state == State::kFilled ? filled : item.state == State::kPartly ? partly : author)++;
      rows.push_back({cell(item.asks),
                      cell(item.tripod),
                      cell(item.claim),
                      {state_badge(item.state)},
                      cell(item.answer)});
    }
    tables += table({"what is asked", "TRIPOD+AI", "CLAIM", "state", "what the record says"}, rows,
                    {.caption = part.title, .style = "checklist"});
  }
  Html text = html(
      "<p>What the reporting guidelines TRIPOD+AI (2024) and CLAIM (2024) ask, in short words of "
      "our own; the numbers are those of their items. {} are filled from the record, {} in part, "
      "{} "
      "are left to the author.</p>\n",
      filled, partly, author);
  text += folded("The table", tables);
  return text;
}

std::string split_text(const record::RunDocument& run) {
  std::vector<std::string> parts;
  for (const auto& [role, cohort] : run.split) {
    parts.push_back(fmt::format("{}: {} slides of {} patients", role, cohort.slides.size(),
                                cohort.patients.size()));
  }
  return join(parts, "; ");
}

std::string failures_text(const record::RunDocument& run) {
  if (run.outcomes.empty()) return "";
  int64_t failed = 0;
  for (const record::Outcome& slide : run.outcomes) failed += slide.error.has_value();
  return fmt::format(
      "{} of {} slides could not be used{}. Patients left out before the table of "
      "slides was made are not known to the record.",
      failed, run.outcomes.size(), failed > 0 ? "; the reasons stand above" : "");
}

std::string scales_text(const record::RunDocument& run) {
  std::vector<std::string> found;
  for (const record::Input& input : run.inputs) {
    if (input.kind != "slide" || !input.backend) continue;
    const std::string scale =
        input.mpp ? fmt::format("{:.4g} µm/px", (*input.mpp)[0]) : std::string("no known scale");
    if (std::find(found.begin(), found.end(), scale) == found.end()) found.push_back(scale);
  }
  if (found.empty()) return "";
  return "Slides at level 0: " + join(found, ", ") +
         ". Scanner, stain and its protocol are the author's.";
}

std::string model_text(const record::RunDocument& run) {
  if (!run.encoder || !run.training) return "";
  return fmt::format(
      "Frozen encoder {} ({} numbers a patch, {}), then {} on standardised features of patches of "
      "{} px; classes: {}.",
      run.encoder->name, run.encoder->dimension, run.encoder->precision,
      "L2-penalised logistic regression", run.training->size_px, join(run.training->classes, ", "));
}

std::string tuning_text(const record::RunDocument& run) {
  if (!run.training || run.training->classes.empty()) return "";
  if (run.training->folds == 0)
    return fmt::format("The penalty, {:.4g}, was given.", run.training->lambda);
  return fmt::format(
      "The penalty ({:.4g}) by least mean log loss over {} folds of the training data, parted by "
      "patient (by blocks where there are fewer than three); {} were tried.",
      run.training->lambda, run.training->folds, run.training->trials.size());
}

std::string size_text(const record::RunDocument& run) {
  std::vector<std::string> parts;
  for (const auto& [role, metrics] : run.metrics) {
    if (metrics.n == 0) continue;
    std::string text = fmt::format("{}: {} labelled patches", role, metrics.n);
    for (size_t k = 0; k < metrics.per_class.size() && !metrics.classes.empty(); ++k) {
      text += fmt::format(", {} {}", metrics.per_class[k].n_positive,
                          metrics.classes.name(static_cast<int>(k)));
    }
    parts.push_back(std::move(text));
  }
  return join(parts, "; ");
}

bool has_intervals(const record::RunDocument& run) {
  return std::any_of(run.metrics.begin(), run.metrics.end(), [](const auto& item) {
    return std::any_of(item.second.per_class.begin(), item.second.per_class.end(),
                       [](const evaluation::Metrics& m) { return m.auc_low.has_value(); });
  });
}

void methods(Checklist& list, const record::RunDocument& run) {
  list.part("Methods: data");
  list.author("5a", "7", "Where the data come from, and why");
  list.author("5b", "5", "When they were collected; looking back or forward");
  list.author("6a", "7", "Centres: where, and how many");
  list.author("6b", "8", "Who was taken in, who was left out");
  list.author("6c", "", "Treatments received");
  list.partly("7", "9", "How data were prepared and checked",
              run.training ? "Tissue by density against the slide's own glass; patches at one "
                             "scale; what was adapted stands in the warnings."
                           : "");
  list.partly("", "10", "Which parts of the data were taken",
              run.options.is_null() || run.options.empty()
                  ? ""
                  : "The rule that chose patches is in the options below.");
  list.author("", "11", "How people's identities were kept out");
  list.partly("11", "12", "Data that are missing", failures_text(run));
  list.partly("", "13", "How the pictures were taken", scales_text(run));
  list.part("Methods: truth");
  list.partly("8a", "14", "What is predicted, and how it is defined",
              run.training && !run.training->classes.empty()
                  ? "The class of a patch: " + join(run.training->classes, ", ") + "."
                  : "");
  list.author("8b", "15, 16", "Who drew the annotations, how skilled, why they count as the truth");
  list.author("8c", "17", "Whether they knew what the model said");
  list.author("", "18", "How far annotators agree");
  list.part("Methods: model");
  list.filled("9a, 9b", "22", "What the model sees, and what it is", model_text(run));
  list.author("9c", "", "Skill needed to provide its input");
  list.author("10", "21", "Why this many");
  list.filled("12a", "19, 20", "How data were parted, and at which level nothing is shared",
              run.split.empty() ? "" : split_text(run) + ". Parted by patient.");
  list.filled(
      "12b", "", "How the inputs are handled",
      run.training ? "Features are standardised by mean and deviation of the training rows." : "");
  list.filled("12c", "25, 26", "How it was trained, tuned and chosen", tuning_text(run));
  list.filled("", "24", "Where its first weights come from",
              run.encoder && !run.encoder->source.empty() ? run.encoder->source : "");
  list.filled("", "27", "Several models together", run.training ? "None: one model." : "");
  list.filled("", "23", "Software",
              run.software ? fmt::format("lamella {} ({}); libraries below.", run.software->lamella,
                                         run.software->git_commit)
                           : "");
}

void results(Checklist& list, const record::RunDocument& run) {
  const bool curves = !run.details.empty();
  list.part("Methods: figures");
  list.filled("12e", "28", "Which figures, and which plots",
              run.metrics.empty() ? "" : "Those above, with how to read each.");
  list.filled("12d, 23b", "29", "Uncertainty, and patients that are not alike",
              has_intervals(run) ? "95 % intervals; figures patient by patient where known." : "");
  list.author("12f, 24", "", "Whether the model was fitted anew to the new place");
  list.partly("12g", "", "How scores are made when it is used",
              run.training ? "lamella score with the model's folder: encoder, classifier and scale "
                             "in one."
                           : "");
  list.partly("13", "", "Classes that are not equally frequent", size_text(run));
  list.author("14", "", "Fairness between groups of people");
  list.partly("15", "", "What comes out, and thresholds",
              run.training ? "A probability of each class for each patch; figures at 0.5 unless "
                             "another threshold is named."
                           : "");
  list.author("16", "33", "How the data to test on differ from those to train on");
  list.author("", "30", "How robust it is", "Controls, where they were run, stand above.");
  list.partly("", "31", "What it looks at",
              run.outcomes.empty() ? "" : "Heat-maps, and the surest errors as pictures.");
  list.part("Results");
  list.partly("20a", "35", "Who was in, who dropped out", failures_text(run));
  list.author("20b, 20c", "36", "Who they are, in each part of the data");
  list.filled("21", "", "How many in each analysis", size_text(run));
  list.filled("22", "43", "The model in full",
              run.training && !run.training->model_sha256.empty()
                  ? "model/ of the output folder, SHA-256 " + run.training->model_sha256 + "."
                  : "");
  list.filled("23a", "32, 37, 38", "How well it does, with intervals",
              run.metrics.empty() ? "" : "The tables above, for each part of the data.");
  list.filled("", "39", "Where it fails", curves ? "The surest errors, above." : "");
}

void around(Checklist& list) {
  list.part("Around them");
  list.author("1", "1", "Title: what kind of study, of what model");
  list.author("2", "2", "Abstract");
  list.author("3a, 3b", "3", "What for, for whom, where in the path of care");
  list.author("3c", "", "Known inequalities between groups");
  list.author("4", "4, 6", "Aims");
  list.author("17", "", "Ethical approval");
  list.author("18a, 18b", "44", "Funding and interests");
  list.author("18c, 18d", "34, 42", "Protocol and registration");
  list.author("18e, 18f", "43", "Where data and code can be had");
  list.author("19", "", "Patients' part in the work");
  list.author("25, 26", "40", "What it means, and its limits");
  list.author("27a, 27b, 27c", "41", "Using it: bad input, people's skill, next steps");
}

}  // namespace

Html checklist(const record::RunDocument& run) {
  Checklist list;
  methods(list, run);
  results(list, run);
  around(list);
  return list.page();
}

}  // namespace lamella::report
