// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/io/net/traffic.h"
#include "lamella/record/manifest.h"
#include "lamella/record/software.h"
#include "lamella/study/begin_record.h"
#include "lamella/study/input_list_internal.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

namespace {

record::Input slide_input(const SlideWork& work, bool full_hash) {
  if (!work.slide)
    return {.path = without_credentials(work.entry.path), .error = work.outcome.error};
  const slide::SlideInfo& info = work.slide->info;
  // What is gone since has an error, and what needs its pixels will fail.
  record::Input input = record::input_or_error("slide", work.entry.path, full_hash);
  input.fingerprint = info.fingerprint;
  input.backend = info.backend;
  if (!work.entry.image.empty()) input.image = work.entry.image;
  input.mpp_source = slide::to_string(info.mpp_source);
  if (info.mpp) input.mpp = {info.mpp->x, info.mpp->y};
  return input;
}

record::Inputs inputs_of(const RunState& state) {
  const Study& study = state.study;
  InputSources sources{study.slides.table, centre_inputs(study), {}};
  for (const SlideWork& work : state.works) sources.slides.push_back(work.entry);
  record::Inputs list = {record::input_or_error("study", study.source.path, false)};
  for (record::Input& input : list_inputs(sources, [&](size_t i) {
         return slide_input(state.works[i], state.record.document().command->full_hash);
       })) {
    list.push_back(std::move(input));
  }
  return list;
}

std::vector<record::Reading> readings_of(const RunState& state) {
  std::vector<record::Reading> readings;
  for (const SlideWork& work : state.works) {
    const io::Traffic traffic = io::traffic_of(work.entry.path);
    if (traffic.requests == 0) continue;
    readings.push_back({work.entry.slide_id, traffic.requests, traffic.bytes_fetched,
                        traffic.bytes_needed, traffic.seconds_waiting});
  }
  return readings;
}

record::EncoderUsed encoder_of(const RunState& state) {
  const encoder::EncoderInfo& info = state.pieces.encoder;
  return {info.name,
          info.sha256,
          info.source,
          info.licence,
          std::string(encoder::to_string(state.pieces.precision)),
          info.dimension};
}

record::Split split_of(const RunState& state, const record::Inputs& inputs) {
  record::Split split;
  for (const SlideWork& work : state.works) {
    record::Cohort& cohort = split[std::string(to_string(work.entry.role))];
    cohort.slides.push_back(work.entry.slide_id);
    cohort.patients.insert(work.entry.patient_id);
  }
  for (auto& [role, cohort] : split) cohort.digest = record::cohort_digest(inputs, role);
  return split;
}

}  // namespace

void record_inputs(RunState& state) {
  record::RunDocument& document = state.record.document();
  document.inputs = inputs_of(state);
  document.split = split_of(state, document.inputs);
  state.record.write();
}

record::Outputs outputs_of(RunState& state) {
  record::Outputs list;
  const auto add = [&](const std::string& name) {
    std::string& sha256 = state.sending.output_hashes[name];
    if (sha256.empty()) {
      const std::string path = state.study.output + "/" + name;
      if (!io::exists(path)) return;
      sha256 = io::file_sha256(path);
    }
    list.push_back({name, sha256});
  };
  if (state.fitted.sha256.empty()) return list;  // not trained yet
  for (const SlideWork& work : state.works) {
    if (!work.alive()) continue;
    const std::string& id = work.entry.slide_id;
    if (work.entry.role != cohort::Role::kScore) add("scores/labelled/" + id + ".csv");
    if (!work.scored) continue;
    add("scores/grid/" + id + ".csv");
    if (!work.outcome.heatmap) continue;
    add("heatmaps/" + id + ".png");
    add("heatmaps/" + id + ".tiff");
  }
  add("model/model.json");
  return list;
}

void start_record(RunState& state, bool full_hash) {
  const Study& study = state.study;
  record::RunDocument& document = state.record.document();
  begin_record(document, study, state.context.threads, full_hash);
  document.encoder = encoder_of(state);
  if (study.plans.labels.by_annotations())
    document.seeds["patches.seed"] = study.plans.labels.rule.seed;
  document.software =
      record::describe_software({{"inference_engine", encoder::inference_engine_version()},
                                 {"openslide", slide::openslide_version()}});
  write_begun(state.record, study);
}

void record_outcomes(RunState& state, bool now) {
  if (!now && state.record.resting()) return;
  record::Outcomes& outcomes = state.record.document().outcomes;
  outcomes.clear();
  for (const SlideWork& work : state.works) outcomes.push_back(work.outcome);
  state.record.document().readings = readings_of(state);
  state.record.write();
}

}  // namespace lamella::study
