// SPDX-License-Identifier: Apache-2.0
// What a reader sees first.
#include <set>

#include "lamella/base/text.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

struct Tile {
  Html value;
  std::string name, note;
};

// The AUC that stands for a set, its interval, and what the interval speaks of.
struct Headline {
  std::optional<double> auc;
  std::optional<evaluation::Interval> interval;
  std::string note;
  bool resampled = false;  // else the note says why not
};

Headline headline_of(const evaluation::ClassMetrics& metrics) {
  if (metrics.per_class.size() <= 2 && !metrics.per_class.empty()) {
    const evaluation::Metrics& last = metrics.last();
    return {last.auc, interval_of(last, "auc"), last.intervals.note, !last.intervals.unit.empty()};
  }
  const auto found = metrics.intervals.of.find("macro_auc");
  std::optional<evaluation::Interval> interval;
  if (found != metrics.intervals.of.end()) interval = found->second;
  return {metrics.macro_auc, interval, metrics.intervals.note, !metrics.intervals.unit.empty()};
}

std::string slides_and_patients(const record::RunDocument& run, const std::string& role) {
  const auto found = run.split.find(role);
  if (found == run.split.end()) return "";
  const auto plural = [](size_t n, const char* one) {
    return fmt::format("{} {}{}", count(static_cast<int64_t>(n)), one, n == 1 ? "" : "s");
  };
  return fmt::format(" of {} of {}", plural(found->second.slides.size(), "slide"),
                     plural(found->second.patients.size(), "patient"));
}

// What it comes to, in a sentence.
Html sentence(const record::RunDocument& run) {
  const std::vector<std::string> roles = roles_of(run);
  if (roles.empty())
    return html("<p class=\"lede\">There are no figures: no labelled patch was scored.</p>\n");
  const evaluation::ClassMetrics& metrics = run.metrics.at(roles.front());
  const Headline headline = headline_of(metrics);
  const bool several = metrics.classes.count() > 2;
  const std::string what =
      several ? fmt::format("{} classes are told apart with a macro AUC", metrics.classes.count())
      : metrics.classes.empty()
          ? std::string("the class is told from the rest with an AUC")
          : fmt::format("{} is told from {} with an AUC", metrics.classes.names.back(),
                        metrics.classes.names.front());
  const std::string& role = roles.front();
  Html text = html("<p class=\"lede\">On {} {}{}{}, ", count(metrics.n),
                   role == "slides" ? "slides as a whole" : "labelled patches",
                   slides_and_patients(run, role == "folds" ? "train" : role),
                   role == "train"   ? ", which the model has seen"
                   : role == "folds" ? ", each by a model that has not seen it"
                                     : "");
  if (!headline.auc) {
    text += html("an AUC cannot be given: one class alone has labels.</p>\n");
    return text;
  }
  text += html("{} of <strong>{}</strong>", what, fixed(*headline.auc, 3));
  if (headline.interval) text += html(" (95 % interval {})", interval_text(*headline.interval));
  text += html(".</p>\n");
  if (headline.note.empty()) return text;
  if (headline.interval) {
    text += html("<p class=\"note\">The interval: {}.</p>\n", headline.note);
  } else if (headline.resampled) {
    text += html("<p class=\"note\">No interval: the AUC is at its bound, or has no spread.</p>\n");
  } else {
    text += html("<p class=\"note\">No interval: {}.</p>\n", headline.note);
  }
  return text;
}

std::vector<Tile> tiles_of(const record::RunDocument& run) {
  std::vector<Tile> tiles;
  for (const std::string& role : roles_of(run)) {
    const Headline headline = headline_of(run.metrics.at(role));
    const bool several = run.metrics.at(role).classes.count() > 2;
    tiles.push_back({html("{}", fixed_or(headline.auc, 3)),
                     fmt::format("{} on {}", several ? "macro AUC" : "AUC", role),
                     role == "train"     ? "data the model has seen"
                     : headline.interval ? interval_text(*headline.interval)
                                         : "no interval"});
  }
  std::set<std::string> people;
  size_t slide_count = 0;
  for (const auto& [role, cohort] : run.split) {
    slide_count += cohort.slides.size();
    people.insert(cohort.patients.begin(), cohort.patients.end());
  }
  if (slide_count > 0) {
    tiles.push_back({html("{}", count(static_cast<int64_t>(slide_count))), "slides",
                     fmt::format("{} patients", count(static_cast<int64_t>(people.size())))});
  }
  int64_t patches = 0, failed = 0, unlike = 0;
  for (const record::Outcome& slide : run.outcomes) {
    patches += slide.patches;
    failed += slide.status == "failed";
    unlike += !slide.unlike.empty();
  }
  if (patches > 0) tiles.push_back({html("{}", count(patches)), "patches encoded", ""});
  if (failed > 0) tiles.push_back({html("{}", failed), "slides failed", "see below"});
  if (unlike > 0) tiles.push_back({html("{}", unlike), "slides unlike", "those of training"});
  double seconds = 0;
  for (const auto& [step, time] : run.times) seconds += time;
  if (seconds > 0) tiles.push_back({html("{}", seconds_text(seconds)), "in the steps", ""});
  return tiles;
}

const char* style_of(record::Status status) {
  switch (status) {
    case record::Status::kFinished:
      return "good";
    case record::Status::kRunning:
      return "plain";
    case record::Status::kFailed:
    case record::Status::kKilled:
      break;
  }
  return "bad";
}

std::string date_text(const std::string& time) {
  std::string text = time.substr(0, 16);
  if (text.size() > 10) text[10] = ' ';
  return text.empty() ? text : text + " UTC";
}

}  // namespace

Html heading(const record::RunDocument& run, const ReportPictures& pictures) {
  Html cards;
  for (const Tile& tile : tiles_of(run)) {
    cards += html("<div><dd class=\"big\">{}</dd><dt>{}</dt><dd class=\"sub\">{}</dd></div>\n",
                  tile.value, tile.name, tile.note);
  }
  return html(
      "<header>\n<p class=\"over\"><span>lamella</span> · report of {}</p>\n<h1>{}</h1>\n"
      "<p class=\"meta\"><span class=\"badge {}\">{}</span> {} <code>{}</code></p>\n{}"
      "<dl class=\"tiles\">\n{}</dl>\n</header>\n",
      run.run_id.empty() ? "an evaluation" : "a run", run.name.empty() ? "no name" : run.name,
      style_of(run.status), to_lower(to_string(run.status)), date_text(run.start_time), run.run_id,
      pictures.froc ? froc_sentence(*pictures.froc) : sentence(run), cards);
}

Html alerts(const record::RunDocument& run) {
  Html text;
  if (run.error) {
    text += html("<div class=\"alert bad\"><h3>It ended with an error</h3><p>{}</p></div>\n",
                 *run.error);
  }
  for (const record::Outcome& slide : run.outcomes) {
    if (!slide.error) continue;
    text += html("<div class=\"alert bad\"><h3>Slide {} failed</h3><p>{}</p></div>\n",
                 slide.slide_id, *slide.error);
  }
  if (run.warnings.empty()) return text;
  Html list;
  for (const std::string& warning : run.warnings) list += html("<li>{}</li>\n", warning);
  text += html("<div class=\"alert warn\"><h3>{} {}</h3><ul>\n{}</ul></div>\n", run.warnings.size(),
               run.warnings.size() == 1 ? "warning" : "warnings", list);
  return text;
}

}  // namespace lamella::report
