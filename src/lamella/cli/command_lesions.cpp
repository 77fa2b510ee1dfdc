// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/json_text.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/evaluation/metric_rows.h"
#include "lamella/io/files.h"
#include "lamella/report/html_report.h"
#include "lamella/report/run_report.h"
#include "lamella/verbs/evaluate_lesions.h"

namespace lamella::cli {

namespace {

struct DetectCommand {
  verbs::DetectFiles files;
  lesion::DetectOptions options;
};

int run_detect(const DetectCommand& command, Shell& shell) {
  const auto made = verbs::detect_lesions(command.files, command.options, shell.context());
  nlohmann::json object = {{"out", command.files.out}, {"slides", nlohmann::json::array()}};
  Table table({"slide", "detections", "slide score"});
  for (const verbs::DetectedSlide& slide : made) {
    object["slides"].push_back({{"slide_id", slide.slide_id},
                                {"detections", slide.detections},
                                {"slide_score", slide.slide_score}});
    table.add({slide.slide_id, std::to_string(slide.detections),
               fmt::format("{:.4f}", slide.slide_score)});
  }
  shell.print(object, table.text());
  return kDone;
}

struct EvaluateLesionsCommand {
  std::string detections, reference, out, report;
  verbs::LesionOptions options;
};

nlohmann::json json_of(const verbs::LesionEvaluation& made) {
  const evaluation::Froc& froc = made.froc;
  nlohmann::json object = {{"slides", froc.slides},
                           {"lesions", froc.lesions},
                           {"score", json_or_null(froc.score)},
                           {"intervals", froc.intervals},
                           {"sensitivity", nlohmann::json::object()},
                           {"curve", nlohmann::json::array()},
                           {"by_slide", nlohmann::json::array()}};
  for (size_t k = 0; k < evaluation::kFrocRates.size(); ++k) {
    object["sensitivity"][fmt::format("{}", evaluation::kFrocRates[k])] = froc.sensitivity[k];
  }
  for (const evaluation::FrocPoint& point : froc.points) {
    object["curve"].push_back({{"threshold", point.threshold},
                               {"false_positives_per_slide", point.false_positives},
                               {"sensitivity", point.sensitivity}});
  }
  for (const evaluation::SlideHits& slide : made.slides) {
    object["by_slide"].push_back(
        {{"slide_id", slide.slide_id},
         {"lesions", slide.lesions},
         {"isolated", static_cast<int64_t>(slide.found.size()) - slide.lesions},
         {"found", slide.found},
         {"false_positives", slide.false_positives}});
  }
  return object;
}

std::string text_of(const evaluation::Froc& froc) {
  Table table({"false positives per slide", "sensitivity"});
  for (size_t k = 0; k < evaluation::kFrocRates.size(); ++k) {
    table.add(
        {fmt::format("{}", evaluation::kFrocRates[k]), fmt::format("{:.4f}", froc.sensitivity[k])});
  }
  std::string text =
      fmt::format("{} slides, {} lesions\n{}", froc.slides, froc.lesions, table.text());
  const auto interval = froc.intervals.of.find("score");
  if (!froc.score) return text + froc.intervals.note + "\n";
  text += fmt::format("FROC score {:.4f}", *froc.score);
  if (interval == froc.intervals.of.end()) return text + "; " + froc.intervals.note + "\n";
  return text + fmt::format(" ({:.4f}-{:.4f} by {} {}, {})\n", interval->second.low,
                            interval->second.high, froc.intervals.units, froc.intervals.unit,
                            froc.intervals.note);
}

int run_evaluate_lesions(const EvaluateLesionsCommand& command, Shell& shell) {
  const Stopwatch watch;
  const Context context = shell.context();
  const auto reference = verbs::read_reference(command.reference, context);
  const verbs::LesionEvaluation made =
      verbs::evaluate_lesions(command.detections, reference, command.options, context);
  nlohmann::json object = json_of(made);
  if (!command.out.empty()) io::write_file_atomic(command.out, object.dump(2) + "\n");
  std::string text = text_of(made.froc);
  if (!command.report.empty()) {
    report::ReportPictures shown;
    shown.froc = made.froc;
    shown.hits = made.slides;
    const auto document = report::evaluation_document({}, {}, {{}, {command.reference}, ""});
    io::write_file_atomic(command.report, report::html_report(document, shown));
    object["report"] = command.report;
    text += fmt::format("report: {}\n", command.report);
  }
  object["seconds"] = watch.seconds();
  shell.print(object, text);
  return kDone;
}

CLI::App* subcommand(CLI::App& app, const std::string& name, const std::string& help,
                     const std::string& example) {
  CLI::App* part = app.add_subcommand(name, help);
  part->fallthrough();
  part->footer("Example:\n  " + example);
  return part;
}

}  // namespace

Action add_lesions(CLI::App& app) {
  app.require_subcommand(1);
  auto detect = std::make_shared<DetectCommand>();
  CLI::App* detecting =
      subcommand(app, "detect", "write where lesions are likely, as CAMELYON16 takes it",
                 "lamella lesions detect --scores scores/grid/*.csv --out detections --slides "
                 "slides.csv");
  detecting->add_option("--scores", detect->files.scores, "scores files, named after their slides")
      ->required()
      ->type_name("SCORES.csv");
  detecting->add_option("--class", detect->files.shown_class, "class that is looked for")
      ->type_name("NAME");
  add_flags(*detecting, detect->options);
  detecting->add_option("--out", detect->files.out, "folder to write a <slide>.csv each into")
      ->required()
      ->type_name("DIR");
  detecting
      ->add_option("--slides", detect->files.slides_csv,
                   "also write image,probability of each slide")
      ->type_name("CSV");

  auto evaluate = std::make_shared<EvaluateLesionsCommand>();
  CLI::App* evaluating =
      subcommand(app, "evaluate", "free-response ROC of detections by CAMELYON16's rules",
                 "lamella lesions evaluate --detections detections --reference reference.csv");
  evaluating->add_option("--detections", evaluate->detections, "folder of a <slide>.csv each")
      ->required()
      ->type_name("DIR");
  evaluating
      ->add_option("--reference", evaluate->reference,
                   "table of slides: slide_id, annotations or mask (neither: normal), patient_id, "
                   "width_px, height_px")
      ->required()
      ->type_name("CSV");
  add_flags(*evaluating, evaluate->options);
  evaluating->add_option("--out", evaluate->out, "also write curve and slides as JSON")
      ->type_name("JSON");
  evaluating->add_option("--report", evaluate->report, "also write a report for people")
      ->type_name("FILE.html");
  return [=](Shell& shell) {
    return detecting->parsed() ? run_detect(*detect, shell)
                               : run_evaluate_lesions(*evaluate, shell);
  };
}

}  // namespace lamella::cli
