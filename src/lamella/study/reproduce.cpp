// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/reproduce.h"

#include <fmt/format.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/encoder/encoder.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/record/manifest.h"
#include "lamella/record/run_json.h"
#include "lamella/record/run_reader.h"
#include "lamella/storage/storage.h"
#include "lamella/study/run_study.h"

namespace lamella::study {

namespace fs = std::filesystem;
using record::Difference;
using record::recorded_path;

namespace {

Study recorded_study(const record::RunDocument& run, const std::string& folder,
                     bool recorded_options) {
  const std::string path = recorded_path(run, run.command->study);
  const std::vector<std::string>& overrides = run.command->set;
  if (!recorded_options && io::exists(path)) return read_study(path, overrides);
  Study study = read_study(folder + "/study.toml", overrides, io::parent_folder(path));
  study.source.path = folder + "/study.toml";
  return study;
}

// One recorded input file against what is there now.
void check_input(const record::RunDocument& run, const record::Input& before,
                 std::vector<Difference>& changed) {
  // The study file is compared option by option; a slide that could not be read has no hash.
  if (before.kind == "study" || before.error) return;
  const std::string name = fmt::format("{} {}", before.kind, before.slide_id.value_or(before.path));
  record::Input now;
  try {
    now =
        record::input_file(before.kind, recorded_path(run, before.path), before.sha256.has_value());
  } catch (const Error&) {
    changed.push_back({name, before.path, "not there or not readable", true, {}});
    return;
  }
  const auto differs = [&](const char* key, const auto& one, const auto& other) {
    if (!one || one == other) return false;
    changed.push_back({fmt::format("{} ({}).{}", name, before.path, key),
                       json_or_null(one),
                       json_or_null(other),
                       true,
                       {}});
    return true;
  };
  // The first is enough.
  if (differs("sha256", before.sha256, now.sha256)) return;
  if (differs("fingerprint", before.fingerprint, now.fingerprint)) return;
  differs("bytes", before.bytes, now.bytes);
}

void check_encoder(const record::EncoderUsed& recorded, const Study& study,
                   std::vector<Difference>& changed) {
  try {
    const encoder::EncoderInfo info = encoder::find_encoder(study.encoder.name);
    if (info.sha256 != recorded.sha256) {
      changed.push_back(
          {"encoder " + info.name + ".sha256", recorded.sha256, info.sha256, true, {}});
    }
    encoder::resolve_precision(encoder::parse_precision(recorded.precision), info);
  } catch (const Error& error) {
    changed.push_back({"encoder", recorded.name, error.message(), true, {}});
  }
}

std::vector<Difference> check_inputs(const record::RunDocument& run, const Study& study) {
  std::vector<Difference> changed;
  for (const record::Input& input : run.inputs) check_input(run, input, changed);
  check_encoder(*run.encoder, study, changed);
  for (Difference& option : record::compare_json("study", run.options, to_json(study))) {
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
std::vector<Difference> first_score(const record::Output& file, const std::string& before,
                                    const std::string& after) {
  const std::string& name = file.path;
  if (!name.starts_with("scores/") || !io::exists(before + "/" + name)) return {};
  if (io::file_sha256(before + "/" + name) != file.sha256) return {};
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

std::vector<Difference> result_differences(const record::RunDocument& before,
                                           const record::RunDocument& after) {
  std::vector<Difference> result;
  const std::string old_output = recorded_path(before, before.output);
  for (Difference& difference : record::compare_runs(before, after).differences) {
    if (difference.is_input) continue;
    for (const record::Output& file : before.outputs) {
      if (difference.name != "outputs." + file.path + ".sha256") continue;
      for (Difference& score : first_score(file, old_output, after.output)) {
        result.push_back(std::move(score));
      }
    }
    result.push_back(std::move(difference));
  }
  return result;
}

void require_results(const record::RunDocument& run, const std::string& folder) {
  const std::pair<const char*, bool> parts[] = {
      {"command", run.command.has_value()}, {"caller", run.caller.has_value()},
      {"study", !run.options.empty()},      {"inputs", !run.inputs.empty()},
      {"encoder", run.encoder.has_value()}, {"outputs", !run.outputs.empty()},
      {"metrics", !run.metrics.empty()}};
  for (const auto& [name, is_there] : parts) {
    if (is_there) continue;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the run is {} and its record has no '{}': there is no result to "
                            "compare with; expected a run that went to its end",
                            to_string(run.status), name),
                folder);
  }
}

}  // namespace

Reproduction reproduce_run(const std::string& folder, const ReproduceOptions& options,
                           const Context& context) {
  const record::RunDocument run = record::read_run(folder);
  require_results(run, folder);
  Study study = recorded_study(run, folder, options.recorded_options);
  Reproduction result;
  result.changed = check_inputs(run, study);
  if (!result.changed.empty()) return result;

  study.output = fresh_folder(options.output, study, run.run_id);
  study.tracking = {.mlflow = ""};  // a run made again is no new result
  study.encoder.options.precision = encoder::parse_precision(run.encoder->precision);
  RunOptions run_options;
  run_options.full_hash = run.command->full_hash;
  run_options.trial_of = run.trial_of;
  const StudyResult made = run_study(study, run_options, context);
  result.run_id = made.record.run_id;
  result.run_folder = made.run_folder;
  const record::RunDocument again = record::read_run(made.run_folder);
  result.differences = result_differences(run, again);
  result.software =
      record::compare_json("software", json_or_null(run.software), json_or_null(again.software));
  return result;
}

nlohmann::json to_json(const Reproduction& reproduction) {
  const auto list = [](const std::vector<Difference>& differences) {
    nlohmann::json items = nlohmann::json::array();
    for (const Difference& difference : differences) items.push_back(record::to_json(difference));
    return items;
  };
  return {
      {"identical", reproduction.identical()},   {"changed", list(reproduction.changed)},
      {"software", list(reproduction.software)}, {"differences", list(reproduction.differences)},
      {"run_id", reproduction.run_id},           {"run_dir", reproduction.run_folder}};
}

}  // namespace lamella::study
