// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/record/manifest.h"
#include "lamella/record/run_reader.h"
#include "lamella/record/software.h"
#include "lamella/report/html_report.h"

namespace lamella::report {

namespace {

namespace fs = std::filesystem;

// A run's folder is <output>/runs/<run_id>. Where it was copied away from its output, the results
// are looked for where the record says.
std::string output_of(const record::RunDocument& run, const std::string& folder) {
  const fs::path around = fs::absolute(folder).lexically_normal() / ".." / "..";
  const std::string output = around.lexically_normal().string();
  return io::exists(output + "/heatmaps") || run.output.empty()
             ? output
             : record::recorded_path(run, run.output);
}

}  // namespace

std::string report_run(const std::string& folder, const std::string& out, const Context& context) {
  const record::RunDocument run = record::read_run(folder);
  const std::string path = out.empty() ? folder + "/" + kReportName : out;
  ReportPictures pictures = read_pictures(run, output_of(run, folder), context);
  const std::string projection = folder + "/" + kProjectionName;
  if (io::exists(projection)) {
    try {
      pictures.projection = read_projection(projection);
    } catch (const Error& error) {
      pictures.missing.emplace_back(error.what());
    }
  }
  io::write_file_atomic(path, html_report(run, pictures));
  return path;
}

record::RunDocument evaluation_document(const evaluation::ClassMetrics& metrics,
                                        const evaluation::Details& details,
                                        const EvaluatedFiles& files) {
  record::RunDocument document;
  document.name = "Evaluation";
  document.status = record::Status::kFinished;
  document.software = record::describe_software({});
  const auto add = [&](const char* kind, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      document.inputs.push_back(record::input_or_error(kind, path, true));
    }
  };
  add("scores", files.scores);
  add("truth", files.truth);
  if (!files.groups.empty()) add("groups", {files.groups});
  for (const std::string& path : files.slides) {
    const std::string id = io::stem(path);
    const auto scored = [&](const evaluation::GroupFigures& group) {
      return group.kind == "slide" && to_lower(group.id) == to_lower(id);
    };
    if (std::ranges::none_of(details.groups, scored)) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("is slide '{}', of which no scores were given; expected slides that "
                              "are named after their scores",
                              id),
                  path);
    }
    document.inputs.push_back(record::input_or_error("slide", path, false));
    document.inputs.back().slide_id = id;
  }
  document.metrics["all"] = metrics;
  document.details["all"] = details;
  return document;
}

}  // namespace lamella::report
