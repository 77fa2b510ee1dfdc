// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/evaluate_lesions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/table.h"
#include "lamella/storage/storage.h"

namespace lamella::verbs {

namespace {

int64_t size_of(const io::Table& table, size_t row, const char* column) {
  const char* expected = "level-0 px, a whole number above 0";
  const auto value = table.number(row, column, expected);
  if (!value) return 0;
  if (!(*value >= 1 && *value <= 1e9 && *value == std::floor(*value))) {
    table.fail(row, column, expected);
  }
  return static_cast<int64_t>(*value);
}

bool among(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& one) { return to_lower(one) == to_lower(name); });
}

lesion::LesionMap lesions_of(const ReferenceSlide& slide, const lesion::LesionRules& rules,
                             std::vector<std::string>& notes) {
  lesion::TumourMask mask;
  if (!slide.annotations.empty()) {
    mask = lesion::mask_of_outlines(annotation::read_annotations(slide.annotations), slide.size_px,
                                    rules, &notes);
  } else if (!slide.mask.empty()) {
    // Of a pyramid the level of that size.
    const int64_t cells = slide.size_px.width > 0 ? (slide.size_px.width / rules.cell_px() + 1) *
                                                        (slide.size_px.height / rules.cell_px() + 1)
                                                  : int64_t{1} << 26;
    try {
      mask = lesion::mask_of_samples(imagefile::read_samples(slide.mask, cells), slide.size_px,
                                     rules, &notes);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), slide.mask);
    }
  } else {
    mask.slide = {slide.size_px.width / rules.cell_px(), slide.size_px.height / rules.cell_px()};
  }
  lesion::LesionMap map = lesion::find_lesions(mask, rules);
  map.cell_px = rules.cell_px();
  return map;
}

evaluation::SlideHits hits_of(const ReferenceSlide& slide, const std::string& path,
                              const lesion::LesionRules& rules, std::vector<std::string>& notes) {
  const lesion::LesionMap map = lesions_of(slide, rules, notes);
  evaluation::SlideHits hits;
  hits.slide_id = slide.slide_id;
  hits.lesions = map.counted();
  hits.found.assign(map.lesions.size(), 0);
  for (const lesion::Detection& one : lesion::read_detections(path, &notes)) {
    const auto lesion = map.at(one.x_px, one.y_px);
    if (!lesion) {
      throw Error(
          ErrorCode::kMismatch,
          fmt::format("a detection lies at {},{}, outside the slide of {} x {} px; expected "
                      "level-0 px of this slide",
                      one.x_px, one.y_px, slide.size_px.width, slide.size_px.height),
          path);
    }
    if (*lesion == 0) {
      hits.false_positives.push_back(one.confidence);
      continue;
    }
    const auto k = static_cast<size_t>(*lesion - 1);
    if (!map.lesions[k].isolated) hits.found[k] = std::max(hits.found[k], one.confidence);
  }
  return hits;
}

// The files of the folder by the slides' ids in lower case.
std::map<std::string, std::string> detection_files(const std::string& folder) {
  std::error_code failed;
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (to_lower(entry.path().extension().string()) != ".csv") continue;
    files[to_lower(entry.path().stem().string())] = entry.path().string();
  }
  if (failed) {
    throw Error(ErrorCode::kNotFound, "expected a folder of detections, a <slide_id>.csv each",
                folder);
  }
  return files;
}

void require_both(std::map<std::string, std::string> files,
                  const std::vector<ReferenceSlide>& slides, const LesionOptions& options,
                  const std::string& folder) {
  std::vector<std::string> missing;
  for (const ReferenceSlide& slide : slides) {
    if (files.erase(to_lower(slide.slide_id)) == 0) missing.push_back(slide.slide_id);
  }
  if (!missing.empty()) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("{} slides of the reference have no file: {}; a slide without "
                            "detections needs an empty one",
                            missing.size(), join(missing, ", ")),
                folder);
  }
  for (const auto& [id, path] : files) {
    if (among(options.left_out, id)) continue;
    throw Error(ErrorCode::kMismatch, "the reference names no such slide", path);
  }
}

}  // namespace

const OptionTable<LesionOptions>& LesionOptions::table() {
  static const auto kTable =
      OptionTable<LesionOptions>()
          .include(&LesionOptions::rules, lesion::LesionRules::table())
          .row("left_out", &LesionOptions::left_out,
               {.help = "slides that are no part of the evaluation of lesions"});
  return kTable;
}

std::vector<ReferenceSlide> read_reference(const std::string& path, const Context& context) {
  std::vector<std::string> notes;
  const io::Table table = io::read_table(
      path,
      {{"slide_id", true}, {"patient_id"}, {"annotations"}, {"mask"}, {"width_px"}, {"height_px"}},
      "slides", &notes);
  for (const std::string& note : notes) context.warn(path + ": " + note);
  const std::string folder = io::parent_folder(path);
  std::vector<ReferenceSlide> slides;
  std::set<std::string> seen;
  for (size_t row = 0; row < table.size(); ++row) {
    ReferenceSlide slide;
    slide.slide_id = table.needed(row, "slide_id", "a slide id");
    if (!seen.insert(to_lower(slide.slide_id)).second) {
      table.fail(row, "slide_id", "every slide once");
    }
    slide.patient_id = table.text(row, "patient_id");
    if (slide.patient_id.empty()) slide.patient_id = slide.slide_id;
    slide.annotations = table.text(row, "annotations");
    slide.mask = table.text(row, "mask");
    if (!slide.annotations.empty() && !slide.mask.empty()) {
      table.fail(row, "mask", "annotations or a mask, not both");
    }
    if (!slide.annotations.empty()) slide.annotations = io::resolve(folder, slide.annotations);
    if (!slide.mask.empty()) slide.mask = io::resolve(folder, slide.mask);
    slide.size_px = {size_of(table, row, "width_px"), size_of(table, row, "height_px")};
    slides.push_back(slide);
  }
  return slides;
}

LesionEvaluation evaluate_lesions(const std::string& detections,
                                  const std::vector<ReferenceSlide>& reference,
                                  const LesionOptions& options, const Context& context) {
  options.rules.validate();
  std::vector<ReferenceSlide> slides;
  for (const ReferenceSlide& slide : reference) {
    if (among(options.left_out, slide.slide_id)) {
      context.note(slide.slide_id + " is left out of the evaluation of lesions (`left_out`)");
    } else {
      slides.push_back(slide);
    }
  }
  const std::map<std::string, std::string> files = detection_files(detections);
  require_both(files, slides, options, detections);
  LesionEvaluation result;
  result.slides.resize(slides.size());
  std::vector<std::vector<std::string>> notes(slides.size());
  parallel_for(static_cast<int64_t>(slides.size()), context.threads, [&](int64_t k, int) {
    context.cancel.check();
    const auto at = static_cast<size_t>(k);
    result.slides[at] =
        hits_of(slides[at], files.at(to_lower(slides[at].slide_id)), options.rules, notes[at]);
  });
  std::map<std::string, int32_t> patients;
  for (size_t k = 0; k < slides.size(); ++k) {
    for (const std::string& note : notes[k]) context.warn(slides[k].slide_id + ": " + note);
    result.slides[k].patient =
        patients.emplace(to_lower(slides[k].patient_id), static_cast<int32_t>(patients.size()))
            .first->second;
  }
  result.froc = evaluation::froc_of(result.slides, {}, context);
  return result;
}

std::vector<DetectedSlide> detect_lesions(const DetectFiles& files,
                                          const lesion::DetectOptions& options,
                                          const Context& context) {
  options.validate();
  std::vector<DetectedSlide> made;
  std::vector<lesion::SlideProbability> slides;
  for (const std::string& path : files.scores) {
    context.cancel.check();
    const heatmap::ScoredPatches patches = storage::read_scores(path);
    const std::vector<float> column = patches.scores.column(patches.scores.classes.index_of(
        heatmap::shown_class(patches.scores.classes, files.shown_class)));
    std::vector<lesion::ScoredPlace> places;
    for (size_t i = 0; i < column.size(); ++i) {
      places.push_back({patches.x_px[i] + patches.width_px / 2,
                        patches.y_px[i] + patches.height_px / 2, column[i]});
    }
    const std::vector<lesion::Detection> found = lesion::detect(places, options);
    const std::string id = io::stem(path);
    lesion::write_detections(found, files.out + "/" + id + ".csv");
    const double score =
        column.empty() ? 0 : heatmap::slide_score(patches.scores, files.shown_class);
    made.push_back({id, static_cast<int64_t>(found.size()), score});
    slides.push_back({id, score});
  }
  if (!files.slides_csv.empty()) lesion::write_slide_probabilities(slides, files.slides_csv);
  return made;
}

}  // namespace lamella::verbs
