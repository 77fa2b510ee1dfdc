// SPDX-License-Identifier: Apache-2.0
// What was run on what.
#include <algorithm>

#include "lamella/base/text.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

Html code(const std::string& text) { return text.empty() ? Html{} : html("<code>{}</code>", text); }
Html plain(const std::string& text) { return html("{}", text); }

std::string command_text(const record::Command& command) {
  std::string text = "lamella run " + command.study;
  for (const std::string& option : command.set) text += " --set " + option;
  return text;
}

std::string encoder_text(const record::EncoderUsed& encoder) {
  std::string text = fmt::format("{}, {} numbers a patch, run in {}", encoder.name,
                                 encoder.dimension, encoder.precision);
  if (!encoder.source.empty()) text += "; " + encoder.source;
  return text +
         "; licence of its weights: " + (encoder.licence.empty() ? "not known" : encoder.licence);
}

std::string classes_text(const record::RunDocument& run) {
  if (run.training && !run.training->classes.empty()) {
    std::vector<std::string> parts;
    for (size_t k = 0; k < run.training->classes.size(); ++k) {
      parts.push_back(k < run.training->class_rows.size()
                          ? fmt::format("{} ({} patches to train on)", run.training->classes[k],
                                        count(run.training->class_rows[k]))
                          : run.training->classes[k]);
    }
    return join(parts, ", ");
  }
  for (const auto& [role, metrics] : run.metrics) {
    if (!metrics.classes.empty()) return metrics.classes.text();
  }
  return "";
}

std::string patch_text(const record::Training& training) {
  if (training.size_px == 0) return "";
  return fmt::format("{} px {}", training.size_px,
                     training.mpp
                         ? fmt::format("at {:.4g} µm/px ({:.4g} µm)", *training.mpp,
                                       *training.mpp * static_cast<double>(training.size_px))
                         : "at a pyramid level; the slides have no known scale");
}

std::string classifier_text(const record::Training& training) {
  if (training.classes.empty()) return "";
  return fmt::format(
      "logistic regression on standardised features, penalty {:.4g}{}", training.lambda,
      training.folds == 0 ? std::string(" (given)")
                          : fmt::format(" (by cross-validation, {} folds)", training.folds));
}

std::string machine_text(const record::RunDocument& run) {
  if (!run.software) return "";
  std::string text = run.software->processor.model;
  if (run.command && run.command->threads > 0) {
    text += fmt::format("{}{} threads", text.empty() ? "" : ", ", run.command->threads);
  }
  return text + (text.empty() ? "" : ", ") + run.software->system;
}

// In the order in which people think of them.
std::vector<std::string> split_roles(const record::RunDocument& run) {
  std::vector<std::string> roles;
  for (const char* role : {"train", "test", "score"}) {
    if (run.split.contains(role)) roles.emplace_back(role);
  }
  for (const auto& [role, cohort] : run.split) {
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) roles.push_back(role);
  }
  return roles;
}

Html inputs_table(const record::RunDocument& run) {
  std::vector<std::vector<Cell>> rows;
  for (const record::Input& input : run.inputs) {
    const std::string digest = input.sha256.value_or(input.fingerprint.value_or(""));
    rows.push_back({cell(input.slide_id.value_or(input.class_name.value_or(""))),
                    cell(input.kind),
                    {html("<span class=\"path\">{}</span>", input.path)},
                    input.bytes ? Cell{html("{}", bytes_text(*input.bytes)),
                                       std::to_string(*input.bytes), true}
                                : Cell{html("–"), "-1", true},
                    input.error ? Cell{html("<span class=\"bad\">{}</span>", *input.error)}
                                : Cell{code(digest.substr(0, 12))}});
  }
  return table({"slide or class", "kind", "file", "size", "SHA-256"}, rows,
               {.caption = "Every file that was read", .sortable = true, .style = "small"});
}

}  // namespace

Html what_ran(const record::RunDocument& run) {
  const record::Training training = run.training.value_or(record::Training{});
  std::vector<Fact> facts;
  if (run.command) facts.push_back({"Command", code(command_text(*run.command))});
  facts.push_back({"Classes", plain(classes_text(run))});
  if (run.encoder && !run.encoder->name.empty()) {
    facts.push_back({"Encoder", plain(encoder_text(*run.encoder))});
  }
  facts.push_back({"Patches", plain(patch_text(training))});
  facts.push_back({"Classifier", plain(classifier_text(training))});
  std::vector<std::string> seeds;
  for (const auto& [name, seed] : run.seeds) seeds.push_back(fmt::format("{} = {}", name, seed));
  facts.push_back({"Seeds", plain(join(seeds, ", "))});
  if (run.software) {
    facts.push_back({"Software", plain(fmt::format("lamella {} ({})", run.software->lamella,
                                                   run.software->git_commit))});
    facts.push_back({"Machine", plain(machine_text(run))});
  }
  if (!training.model_sha256.empty()) facts.push_back({"Model", code(training.model_sha256)});
  return fact_list(facts);
}

Html data_used(const record::RunDocument& run) {
  std::vector<std::vector<Cell>> rows;
  for (const std::string& role : split_roles(run)) {
    const record::Cohort& cohort = run.split.at(role);
    const auto metrics = run.metrics.find(role);
    const bool labelled = metrics != run.metrics.end();
    rows.push_back({cell(role),
                    count_cell(static_cast<int64_t>(cohort.slides.size())),
                    count_cell(static_cast<int64_t>(cohort.patients.size())),
                    labelled ? count_cell(metrics->second.n) : Cell{html("–"), "-1", true},
                    {code(cohort.digest.substr(0, 16))}});
  }
  Html text;
  if (!rows.empty()) {
    text += table({"role", "slides", "patients", "labelled patches", "digest of the data"}, rows,
                  {.caption = "How the slides were split"});
    text += html(
        "<p class=\"note\">No patient is both in train and in test: a run refuses that."
        "</p>\n");
  }
  for (const std::string& role : split_roles(run)) {
    const record::Cohort& cohort = run.split.at(role);
    Html names;
    for (const std::string& slide : cohort.slides) names += html("<li>{}</li>", slide);
    text += folded(fmt::format("{} ({})", role_text(role), cohort.slides.size()),
                   html("<ul class=\"names\">{}</ul>\n", names));
  }
  if (!run.inputs.empty()) {
    text +=
        folded(fmt::format("every file that was read ({})", run.inputs.size()), inputs_table(run));
  }
  return text;
}

}  // namespace lamella::report
