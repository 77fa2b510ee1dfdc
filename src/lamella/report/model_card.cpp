// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/model_card.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/text.h"
#include "lamella/evaluation/class_metric_rows.h"

namespace lamella::report {

namespace {

// Text of the record inside Markdown: one line, no table separators, no markup.
std::string plain(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n' || c == '\r') {
      text += ' ';
      continue;
    }
    if (std::string_view("|<>*_`[]#\\").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text.empty() ? "not known" : text;
}

std::string class_names(const record::Training& training) {
  std::vector<std::string> names;
  for (const std::string& name : training.classes) names.push_back(plain(name));
  return join(names, ", ");
}

// "30 gland and 12 fat": the last class first.
std::string class_rows(const record::Training& training) {
  std::string text;
  for (size_t k = std::min(training.classes.size(), training.class_rows.size()); k-- > 0;) {
    const char* between = text.empty() ? "" : k == 0 ? " and " : ", ";
    text += fmt::format("{}{} {}", between, training.class_rows[k], plain(training.classes[k]));
  }
  return text.empty() ? "not known" : text;
}

std::string data_section(const record::RunDocument& run) {
  std::string text =
      "## Data\n\n| role | slides | patients | digest of the data |\n|---|---|---|---|\n";
  for (const auto& [role, part] : run.split) {
    text += fmt::format("| {} | {} | {} | `{}` |\n", role, part.slides.size(), part.patients.size(),
                        part.digest.substr(0, 32));
  }
  text += fmt::format("\nTrained on {} patches. No patient is in both train and test.\n",
                      class_rows(run.training.value_or(record::Training{})));
  for (const auto& [role, part] : run.split) {
    std::vector<std::string> names;
    for (const std::string& slide : part.slides) names.push_back(plain(slide));
    if (role != "score") text += fmt::format("\n{}: {}.\n", role, join(names, ", "));
  }
  return text;
}

// Of each set what was resampled, or why nothing was.
std::string intervals_text(const record::RunDocument& run) {
  std::string text;
  for (const auto& [role, metrics] : run.metrics) {
    if (metrics.per_class.empty()) continue;
    const evaluation::Intervals& intervals = metrics.last().intervals;
    if (intervals.note.empty()) continue;
    text += fmt::format("\n{}: {}{}.\n", role,
                        intervals.unit.empty()
                            ? ""
                            : fmt::format("intervals by {} {}, ", intervals.units, intervals.unit),
                        plain(intervals.note));
  }
  return text;
}

std::string metrics_section(const record::RunDocument& run) {
  const std::vector<std::string> titles = evaluation::metric_titles();
  std::string text = fmt::format("## Figures\n\n| set | {} |\n|---|", join(titles, " | "));
  for (size_t i = 0; i < titles.size(); ++i) text += "---|";
  text += "\n";
  std::string more;
  for (const auto& [role, metrics] : run.metrics) {
    for (const std::vector<std::string>& row : evaluation::table_rows(role, metrics)) {
      std::vector<std::string> cells;
      for (const std::string& cell : row) cells.push_back(plain(cell));
      text += fmt::format("| {} |\n", join(cells, " | "));
    }
    if (metrics.classes.count() > 2) {
      more += fmt::format("\n{}: {}.\n", role, evaluation::summary_text(metrics));
    } else if (!metrics.classes.empty() && more.empty()) {
      more = fmt::format("\nThe figures are those of class {} against the other.\n",
                         plain(metrics.classes.names.back()));
    }
  }
  text += more;
  return text +
         "\nPooled over the labelled patches of all slides of a set; accuracy at 0.5; ECE with 15 "
         "bins.\nThe interval is by patients, slides or blocks of them, as far as there are ten on "
         "each side; the one\n`as if patches were independent` (DeLong) is too narrow, since they "
         "are not. The figures of `train` are\nthose of data that the model has seen.\n" +
         intervals_text(run);
}

std::string model_section(const record::RunDocument& run) {
  const record::Training training = run.training.value_or(record::Training{});
  const record::EncoderUsed encoder = run.encoder.value_or(record::EncoderUsed{});
  const record::Software software = run.software.value_or(record::Software{});
  return fmt::format(
      "## Model\n\n"
      "| | |\n|---|---|\n"
      "| gives | probability of each of {} for one patch |\n"
      "| patch | {} px at {} |\n"
      "| encoder | {} ({} numbers), run in {} |\n"
      "| encoder's source | {} |\n"
      "| licence of the encoder's weights | {} |\n"
      "| encoder's SHA-256 | `{}` |\n"
      "| classifier | logistic regression on standardised features, penalty {}{} |\n"
      "| classifier's SHA-256 | `{}` |\n"
      "| made by | lamella {} ({}) |\n",
      class_names(training), training.size_px,
      training.mpp ? fmt::format("{:.4f} µm/px", *training.mpp)
                   : "a pyramid level (the slides have no known scale)",
      plain(encoder.name), encoder.dimension, plain(encoder.precision), plain(encoder.source),
      plain(encoder.licence), plain(encoder.sha256), nlohmann::json(training.lambda).dump(),
      training.folds == 0 ? std::string(" (given)")
                          : fmt::format(" (by cross-validation, {} folds)", training.folds),
      plain(training.model_sha256), plain(software.lamella), plain(software.git_commit));
}

constexpr const char* kLimits =
    "## Intended use and limits\n\n"
    "Research: to rank and to map patches of slides like those it was trained on (same stain, "
    "same\n"
    "tissue, comparable scanners). It is no medical device and no basis for a diagnosis.\n\n"
    "- It knows these classes alone. Whatever else is on a slide (artefacts, ink, other tissue) "
    "gets a\n"
    "  probability too, and that probability means nothing.\n"
    "- Slides of another scanner, laboratory or organ are untested unless they are in `test`.\n"
    "- A slide is read at the model's scale; one without a known scale needs it given.\n";

}  // namespace

std::string model_card(const record::RunDocument& run) {
  return fmt::format(
      "# {}\n\nMade from the record of the run that trained it; do not edit.\n\n{}\n{}\n{}\n{}\n"
      "## Use\n\nFrom this folder:\n\n```\nlamella score --slide SLIDE --model . --out "
      "scores.csv\n```\n",
      plain(run.name), model_section(run), data_section(run), metrics_section(run), kLimits);
}

}  // namespace lamella::report
