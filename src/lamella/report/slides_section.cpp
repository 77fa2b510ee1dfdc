// SPDX-License-Identifier: Apache-2.0
// Slides one by one, and the patches that went wrong.
#include <map>

#include "lamella/base/base64.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

std::string data_uri(const ReportPicture& picture) {
  return "data:image/jpeg;base64," + base64(picture.jpeg);
}

// A picture that opens larger.
Html zoomable(const ReportPicture& picture, const std::string& title) {
  return html(
      "<button type=\"button\" class=\"zoom\" data-title=\"{}\"><img src=\"{}\" alt=\"{}\" "
      "width=\"{}\" height=\"{}\"></button>",
      title, data_uri(picture), title, picture.width, picture.height);
}

std::map<std::string, std::string> patients_of(const record::RunDocument& run) {
  std::map<std::string, std::string> patients;
  for (const record::Input& input : run.inputs) {
    if (input.slide_id && input.patient_id) patients[*input.slide_id] = *input.patient_id;
  }
  return patients;
}

// Under the name, where it is not as one expects.
Html name_of(const record::Outcome& slide) {
  if (slide.status == "done") return html("{}", slide.slide_id);
  return html("{}<br><span class=\"badge {}\">{}</span>", slide.slide_id,
              slide.status == "failed" ? "bad" : "warn", slide.status);
}

// Which columns have something to show.
struct Columns {
  bool figures = false, score = false, distance = false, maps = false;
};

std::vector<std::string> heads_of(const Columns& columns) {
  std::vector<std::string> heads = {"slide"};
  if (columns.maps) heads.push_back("heat-map");
  heads.insert(heads.end(), {"patient", "role", "patches"});
  if (columns.figures) heads.insert(heads.end(), {"labelled", "AUC", "accuracy"});
  if (columns.score) heads.push_back("slide score");
  if (columns.distance) heads.push_back("distance");
  heads.push_back("seconds");
  return heads;
}

std::vector<Cell> row_of(const record::RunDocument& run, const record::Outcome& slide,
                         const std::string& patient, const Columns& columns,
                         const ReportPictures& pictures) {
  std::vector<Cell> cells = {{name_of(slide), slide.slide_id}};
  if (columns.maps) {
    const auto map = pictures.heatmaps.find(slide.slide_id);
    cells.push_back(map == pictures.heatmaps.end()
                        ? Cell{html(""), "0"}
                        : Cell{zoomable(map->second, "Heat-map of " + slide.slide_id), "1"});
  }
  cells.insert(cells.end(), {cell(patient), cell(slide.role), count_cell(slide.patches)});
  if (columns.figures) {
    const evaluation::GroupFigures* figures =
        figures_of_group(run, slide.role, "slide", slide.slide_id);
    cells.push_back(figures ? count_cell(figures->n) : Cell{html("–"), "-1", true});
    cells.push_back(number_cell(figures ? figures->auc : std::nullopt, 3));
    cells.push_back(number_cell(figures ? figures->accuracy : std::nullopt, 3));
  }
  if (columns.score) cells.push_back(number_cell(slide.slide_score, 3));
  if (columns.distance) {
    cells.push_back(number_cell(slide.feature_distance, 2));
    if (!slide.unlike.empty())
      cells.back().shown += html(" <span class=\"badge warn\">unlike</span>");
  }
  cells.push_back(number_cell(slide.seconds, 1));
  return cells;
}

}  // namespace

Html slides(const record::RunDocument& run, const ReportPictures& pictures) {
  if (run.outcomes.empty()) return {};
  Columns columns;
  columns.maps = !pictures.heatmaps.empty();
  for (const record::Outcome& slide : run.outcomes) {
    columns.score = columns.score || slide.slide_score.has_value();
    columns.distance = columns.distance || slide.feature_distance.has_value();
    columns.figures =
        columns.figures || figures_of_group(run, slide.role, "slide", slide.slide_id) != nullptr;
  }
  const auto patients = patients_of(run);
  std::vector<std::vector<Cell>> rows;
  for (const record::Outcome& slide : run.outcomes) {
    const auto patient = patients.find(slide.slide_id);
    rows.push_back(
        row_of(run, slide, patient == patients.end() ? "" : patient->second, columns, pictures));
  }
  Html text = table(heads_of(columns), rows,
                    {.caption = "Every slide; the heads sort, a heat-map opens larger",
                     .sortable = true,
                     .style = "slides"});
  if (columns.score && run.usual && run.usual->null_score) {
    text += html(
        "<p class=\"note\">A slide score beside its null: patches of the training slides that are "
        "not of the class, scored when they were held out, come to {} (the median of {} slides; "
        "the "
        "greatest is {}).</p>\n",
        fixed_or(run.usual->null_score, 3), run.usual->null_slides,
        fixed_or(run.usual->null_score_most, 3));
  }
  return text;
}

Html wrong_patches(const record::RunDocument& run, const ReportPictures& pictures) {
  const std::vector<evaluation::WrongPatch> wrong = wrong_shown(run);
  if (wrong.empty()) return {};
  Html list;
  for (size_t k = 0; k < wrong.size(); ++k) {
    const evaluation::WrongPatch& patch = wrong[k];
    Html picture = html("<div class=\"none\">no picture</div>");
    if (k < pictures.wrong.size() && pictures.wrong[k]) {
      const ReportPicture& shown = *pictures.wrong[k];
      picture = html(
          "<div class=\"framed\"><img src=\"{}\" alt=\"Patch of {} called {}\" width=\"{}\" "
          "height=\"{}\"></div>",
          data_uri(shown), patch.is, patch.called, shown.width, shown.height);
    }
    list += html(
        "<li>{}<p><strong>{}</strong> called <strong>{}</strong> <span class=\"ci\">{}</span></p>"
        "<p class=\"place\">{}<br>x {} y {}</p></li>\n",
        picture, patch.is, patch.called, fixed(patch.score, 3), patch.slide_id,
        count(static_cast<int64_t>(patch.x_px)), count(static_cast<int64_t>(patch.y_px)));
  }
  return html(
      "<p>The patches that the model was most sure of and wrong about, the surest first. The frame "
      "is the patch; around it is what lies beside it. Places are those of its upper left corner, "
      "level-0 pixels. Where many look alike, look at the labels first.</p>\n<ol class=\"wrong\">\n"
      "{}</ol>\n",
      list);
}

}  // namespace lamella::report
