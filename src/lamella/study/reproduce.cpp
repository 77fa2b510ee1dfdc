// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/reproduce.h"

#include <fmt/format.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/encoder/encoder.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"
#include "lamella/study/run_report_internal.h"
#include "lamella/tracking/run_reader.h"

namespace lamella::study {

namespace fs = std::filesystem;
using tracking::Difference;
using tracking::recorded_path;

namespace {

Study recorded_study(const nlohmann::json& run, const std::string& folder, bool recorded_options) {
  const std::string path = recorded_path(run, run["command"]["study"].get<std::string>());
  const auto overrides = run["command"]["set"].get<std::vector<std::string>>();
  if (!recorded_options && io::exists(path)) return read_study(path, overrides);
  Study study = read_study(folder + "/study.toml", overrides, io::parent_folder(path));
  study.path = folder + "/study.toml";
  return study;
}

// One recorded input file against what is there now.
void check_input(const nlohmann::json& run, const nlohmann::json& item,
                 std::vector<Difference>& changed) {
  // The study file is compared option by option; a slide that could not be read has no hash.
  const std::string kind = item.value("kind", "");
  if (kind == "study" || item.contains("error")) return;
  nlohmann::json now;
  try {
    now = input_file(kind, recorded_path(run, item["path"].get<std::string>()),
                     item.contains("sha256"));
  } catch (const Error& error) {
    now = nlohmann::json();
  }
  const std::string slide = item.value("slide_id", "");
  const std::string name =
      fmt::format("{} {}", kind, slide.empty() ? item["path"].get<std::string>() : slide);
  if (now.is_null()) {
    changed.push_back({name, item["path"], "not there or not readable", true, {}});
    return;
  }
  for (const char* key : {"sha256", "fingerprint", "bytes"}) {
    if (!item.contains(key) || item[key] == now[key]) continue;
    changed.push_back({fmt::format("{} ({}).{}", name, item["path"].get<std::string>(), key),
                       item[key],
                       now[key],
                       true,
                       {}});
    return;
  }
}

void check_encoder(const nlohmann::json& run, const Study& study,
                   std::vector<Difference>& changed) {
  const nlohmann::json& recorded = run["encoder"];
  try {
    const encoder::EncoderInfo info = encoder::find_encoder(study.encoder);
    if (info.sha256 != recorded["sha256"].get<std::string>()) {
      changed.push_back(
          {"encoder " + info.name + ".sha256", recorded["sha256"], info.sha256, true, {}});
    }
    encoder::resolve_precision(encoder::parse_precision(recorded["precision"].get<std::string>()),
                               info);
  } catch (const Error& error) {
    changed.push_back({"encoder", recorded["name"], error.message(), true, {}});
  }
}

std::vector<Difference> check_inputs(const nlohmann::json& run, const Study& study) {
  std::vector<Difference> changed;
  for (const nlohmann::json& item : run["inputs"]) check_input(run, item, changed);
  check_encoder(run, study, changed);
  for (Difference& option : tracking::compare_json("study", run["study"], to_json(study))) {
    option.is_input = true;
    changed.push_back(std::move(option));
  }
  return changed;
}

std::string fresh_folder(const std::string& asked, const Study& study, const std::string& run_id) {
  const std::string path = asked.empty() ? study.output + "/reproduced/" + run_id : asked;
  std::error_code error;
  if (asked.empty()) {
    // Of an earlier repetition.
    std::string free = path;
    for (int i = 2; fs::exists(free, error); ++i) free = fmt::format("{}-{}", path, i);
    return free;
  }
  if (fs::exists(path, error) && !fs::is_empty(path, error)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the folder is not empty; a run is made again in a new one, so that nothing is "
                "taken from an earlier one",
                path);
  }
  return path;
}

// Where two files of scores part; nothing if the recorded one has been overwritten since.
std::vector<Difference> first_score(const std::string& name, const nlohmann::json& sha256,
                                    const std::string& before, const std::string& after) {
  if (!name.starts_with("scores/") || !io::exists(before + "/" + name)) return {};
  if (input_file("scores", before + "/" + name, true)["sha256"] != sha256) return {};
  const heatmap::ScoredPatches a = storage::read_scores(before + "/" + name);
  const heatmap::ScoredPatches b = storage::read_scores(after + "/" + name);
  const size_t count = std::min(a.scores.values.size(), b.scores.values.size());
  for (size_t i = 0; i < count; ++i) {
    // The last class's first: of two it is the one that people look for.
    const size_t classes = a.scores.classes.names.size();
    const float one = a.scores.values[i], two = b.scores.values[i];
    if (one == two) continue;
    return {{fmt::format("{} patch {} {}", name, i / classes, a.scores.classes.names[i % classes]),
             one, two, false, static_cast<double>(two) - static_cast<double>(one)}};
  }
  return {};
}

std::vector<Difference> result_differences(const nlohmann::json& before,
                                           const nlohmann::json& after) {
  std::vector<Difference> result;
  const std::string old_output = recorded_path(before, before["study"]["output"]);
  for (Difference& difference : tracking::compare_runs(before, after).differences) {
    if (difference.is_input) continue;
    for (const nlohmann::json& file : before["outputs"]) {
      const std::string name = file["path"].get<std::string>();
      if (difference.name != "outputs." + name + ".sha256") continue;
      for (Difference& score : first_score(name, file["sha256"], old_output,
                                           after["study"]["output"].get<std::string>())) {
        result.push_back(std::move(score));
      }
    }
    result.push_back(std::move(difference));
  }
  return result;
}

}  // namespace

Reproduction reproduce_run(const std::string& folder, const ReproduceOptions& options,
                           const Context& context) {
  const nlohmann::json run = tracking::read_run(folder);
  for (const char* key :
       {"command", "caller", "study", "inputs", "encoder", "outputs", "metrics"}) {
    if (run.contains(key)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the run is {} and its record has no '{}': there is no result to "
                            "compare with; expected a run that went to its end",
                            run["status"].get<std::string>(), key),
                folder);
  }
  Study study = recorded_study(run, folder, options.recorded_options);
  Reproduction result;
  result.changed = check_inputs(run, study);
  if (!result.changed.empty()) return result;

  study.output = fresh_folder(options.output, study, run["run_id"].get<std::string>());
  study.tracking.mlflow = "";  // a run made again is no new result
  study.precision = encoder::parse_precision(run["encoder"]["precision"].get<std::string>());
  RunOptions run_options;
  run_options.full_hash = run["command"].value("full_hash", false);
  const StudyResult made = run_study(study, run_options, context);
  result.run_id = made.run_id;
  result.run_folder = made.run_folder;
  const nlohmann::json again = tracking::read_run(made.run_folder);
  result.differences = result_differences(run, again);
  result.software = tracking::compare_json("software", run["software"], again["software"]);
  return result;
}

nlohmann::json to_json(const Reproduction& reproduction) {
  const auto list = [](const std::vector<Difference>& differences) {
    nlohmann::json items = nlohmann::json::array();
    for (const Difference& difference : differences) items.push_back(tracking::to_json(difference));
    return items;
  };
  return {
      {"identical", reproduction.identical()},   {"changed", list(reproduction.changed)},
      {"software", list(reproduction.software)}, {"differences", list(reproduction.differences)},
      {"run_id", reproduction.run_id},           {"run_dir", reproduction.run_folder}};
}

}  // namespace lamella::study
