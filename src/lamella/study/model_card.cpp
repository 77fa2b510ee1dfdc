// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/model_card.h"

#include <fmt/format.h>

#include "lamella/base/text.h"

namespace lamella::study {

using Json = nlohmann::json;

namespace {

// Text of the record inside Markdown: one line, no table separators, no markup.
std::string plain(const Json& value) {
  if (value.is_null()) return "not known";
  std::string text;
  for (const char c : value.is_string() ? value.get<std::string>() : value.dump()) {
    if (c == '\n' || c == '\r') {
      text += ' ';
      continue;
    }
    if (std::string_view("|<>*_`[]#\\").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text.empty() ? "not known" : text;
}

Json at(const Json& record, const char* pointer) {
  const Json::json_pointer place(pointer);
  return record.contains(place) ? record[place] : Json();
}

std::string figure(const Json& value) {
  return value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "n/a";
}

std::string class_names(const Json& record) {
  std::vector<std::string> names;
  for (const Json& name : at(record, "/training/classes")) names.push_back(plain(name));
  return join(names, ", ");
}

// "364 tumor and 545 normal": the last class first.
std::string class_rows(const Json& record) {
  const Json classes = at(record, "/training/classes"), rows = at(record, "/training/class_rows");
  std::string text;
  for (size_t k = classes.size(); k-- > 0;) {
    const char* between = text.empty() ? "" : k == 0 ? " and " : ", ";
    text += fmt::format("{}{} {}", between, plain(rows[k]), plain(classes[k]));
  }
  return text;
}

std::string data_section(const Json& record) {
  std::string text =
      "## Data\n\n| role | slides | patients | digest of the data |\n|---|---|---|---|\n";
  const Json split = at(record, "/split");
  for (const auto& [role, part] : split.items()) {
    text += fmt::format("| {} | {} | {} | `{}` |\n", role, part["slides"].size(),
                        part["patients"].size(), part["digest"].get<std::string>().substr(0, 32));
  }
  text += fmt::format("\nTrained on {} patches. No patient is in both train and test.\n",
                      class_rows(record));
  for (const auto& [role, part] : split.items()) {
    std::vector<std::string> names;
    for (const Json& slide : part["slides"]) names.push_back(plain(slide));
    if (role != "score") text += fmt::format("\n{}: {}.\n", role, join(names, ", "));
  }
  return text;
}

std::string metrics_section(const Json& record) {
  std::string text =
      "## Figures\n\n| set | patches | tumour | AUC | 95 % interval | avg. precision | accuracy | "
      "balanced | Brier | ECE |\n|---|---|---|---|---|---|---|---|---|---|\n";
  const Json metrics = at(record, "/metrics");
  for (const auto& [role, m] : metrics.items()) {
    const std::string interval =
        m["auc_low"].is_number() ? figure(m["auc_low"]) + "-" + figure(m["auc_high"]) : "n/a";
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", role,
                        plain(m["n"]), plain(m["n_positive"]), figure(m["auc"]), interval,
                        figure(m["average_precision"]), figure(m["accuracy"]),
                        figure(m["balanced_accuracy"]), figure(m["brier"]), figure(m["ece"]));
  }
  return text +
         "\nPooled over the labelled patches of all slides of a set; interval by DeLong; accuracy "
         "at "
         "0.5; ECE\nwith 15 bins. Patches of one slide are not independent: the interval speaks of "
         "these slides, not of\nthe next hospital. The figures of `train` are those of data that "
         "the "
         "model has seen.\n";
}

std::string model_section(const Json& record) {
  const Json mpp = at(record, "/training/mpp");
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
      class_names(record), plain(at(record, "/study/patches/size_px")),
      mpp.is_number() ? fmt::format("{:.4f} µm/px", mpp.get<double>())
                      : "a pyramid level (the slides have no known scale)",
      plain(at(record, "/encoder/name")), plain(at(record, "/encoder/dimension")),
      plain(at(record, "/encoder/precision")), plain(at(record, "/encoder/source")),
      plain(at(record, "/encoder/licence")), plain(at(record, "/encoder/sha256")),
      plain(at(record, "/training/lambda")),
      at(record, "/training/folds") == 0
          ? std::string(" (given)")
          : fmt::format(" (by cross-validation, {} folds)", plain(at(record, "/training/folds"))),
      plain(at(record, "/training/model_sha256")), plain(at(record, "/software/lamella")),
      plain(at(record, "/software/git_commit")));
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

std::string model_card(const Json& record) {
  return fmt::format(
      "# {}\n\nMade from the record of the run that trained it; do not edit.\n\n{}\n{}\n{}\n{}\n"
      "## Use\n\nFrom this folder:\n\n```\nlamella score --slide SLIDE --model . --out "
      "scores.csv\n```\n",
      plain(record["name"]), model_section(record), data_section(record), metrics_section(record),
      kLimits);
}

}  // namespace lamella::study
