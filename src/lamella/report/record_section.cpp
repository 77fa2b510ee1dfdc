// SPDX-License-Identifier: Apache-2.0
// Time, options, files.
#include "lamella/report/sections_internal.h"

namespace lamella::report {

Html time_used(const record::RunDocument& run) {
  double most = 0;
  for (const auto& [step, seconds] : run.times) most = std::max(most, seconds);
  if (most <= 0) return {};
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](const std::string& step, double seconds) {
    rows.push_back({cell(step),
                    {html("{}", seconds_text(seconds)), fmt::format("{}", seconds), true},
                    {html("<span class=\"timebar\" style=\"width:{}%\"></span>",
                          fmt::format("{:.1f}", 100 * seconds / most))}});
  };
  // In the order of a run's path; what else there is follows.
  const std::vector<std::string> path = {"plan", "encode", "train", "score", "map"};
  for (const std::string& step : path) {
    const auto found = run.times.find(step);
    if (found != run.times.end()) add(step, found->second);
  }
  for (const auto& [step, seconds] : run.times) {
    if (std::find(path.begin(), path.end(), step) == path.end()) add(step, seconds);
  }
  return table({"step", "time", "share of the longest"}, rows,
               {.caption = "Time of each step, over all slides", .style = "times"});
}

Html whole_record(const record::RunDocument& run) {
  Html text;
  if (!run.run_id.empty()) {
    text += html(
        "<p>The whole record is <code>run.json</code> of the run's folder; "
        "<code>lamella runs reproduce {}</code> checks every input and makes it again."
        "</p>\n",
        run.run_id);
  }
  if (!run.options.is_null() && !run.options.empty()) {
    text += folded("every option, as it was resolved",
                   html("<pre tabindex=\"0\">{}</pre>\n",
                        run.options.dump(1, ' ', false, nlohmann::json::error_handler_t::replace)));
  }
  if (!run.outputs.empty()) {
    std::vector<std::vector<Cell>> rows;
    for (const record::Output& output : run.outputs) {
      rows.push_back({{html("<span class=\"path\">{}</span>", output.path)},
                      {html("<code>{}</code>", output.sha256.substr(0, 16))}});
    }
    text += folded(fmt::format("every file that was written ({})", rows.size()),
                   table({"file", "SHA-256"}, rows,
                         {.caption = "Results, by path in the output folder", .style = "small"}));
  }
  if (run.software && !run.software->libraries.empty()) {
    std::vector<std::vector<Cell>> rows;
    for (const auto* list : {&run.software->libraries, &run.software->built_with}) {
      for (const auto& [name, version] : *list) rows.push_back({cell(name), cell(version)});
    }
    text += folded("libraries",
                   table({"library", "version"}, rows, {.caption = "Libraries", .style = "small"}));
  }
  return text;
}

}  // namespace lamella::report
