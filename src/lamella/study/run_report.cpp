// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

namespace {

nlohmann::json slide_input(const SlideWork& work, bool full_hash) {
  nlohmann::json item = {{"kind", "slide"}, {"path", work.entry.path}};
  if (work.info) {
    const slide::SlideInfo& info = *work.info;
    item["fingerprint"] = info.fingerprint;
    try {
      item["bytes"] = io::open_file(work.entry.path)->size();
      if (full_hash) item["sha256"] = io::file_sha256(work.entry.path);
    } catch (const Error& error) {  // it is gone since: what needs its pixels will fail
      item["error"] = error.what();
    }
    item["backend"] = info.backend;
    item["mpp_source"] = std::string(slide::to_string(info.mpp_source));
    if (info.mpp) item["mpp"] = {info.mpp->x, info.mpp->y};
  } else {
    item["error"] = work.outcome.error;
  }
  item["slide_id"] = work.entry.slide_id;
  item["patient_id"] = work.entry.patient_id;
  item["role"] = std::string(to_string(work.entry.role));
  return item;
}

}  // namespace

nlohmann::json inputs_json(const RunState& state) {
  nlohmann::json list = nlohmann::json::array();
  list.push_back(input_file("study", state.study.path, false));
  list.push_back(input_file("slides table", state.study.slides_table, false));
  for (const patch::CentreFile& file : state.study.labels.centers) {
    list.push_back(input_file("centres", file.path, false));
    list.back()["label"] = file.label;
    list.back()["class"] = state.study.classes().name(file.label);
  }
  for (const SlideWork& work : state.works) {
    list.push_back(slide_input(work, state.options.full_hash));
    if (work.annotations_sha256.empty()) continue;
    list.push_back(input_file("annotations", work.entry.annotations, false));
    list.back()["slide_id"] = work.entry.slide_id;
  }
  return list;
}

nlohmann::json encoder_json(const RunState& state) {
  const encoder::EncoderInfo& info = state.encoder_info;
  return {{"name", info.name},
          {"sha256", info.sha256},
          {"source", info.source},
          {"licence", info.licence},
          {"precision", std::string(encoder::to_string(state.precision))},
          {"dimension", info.dimension}};
}

nlohmann::json split_json(const RunState& state, const nlohmann::json& inputs) {
  nlohmann::json split = nlohmann::json::object();
  for (const Role role : {Role::kTrain, Role::kTest, Role::kScore}) {
    std::vector<std::string> slides;
    std::set<std::string> patients;
    for (const SlideWork& work : state.works) {
      if (work.entry.role != role) continue;
      slides.push_back(work.entry.slide_id);
      patients.insert(work.entry.patient_id);
    }
    if (slides.empty()) continue;
    const std::string name(to_string(role));
    split[name] = {
        {"slides", slides}, {"patients", patients}, {"digest", cohort_digest(inputs, name)}};
  }
  return split;
}

nlohmann::json seeds_json(const Study& study) {
  nlohmann::json seeds = nlohmann::json::object();
  if (study.labels.by_annotations()) seeds["patches.seed"] = study.labels.rule.seed;
  return seeds;
}

nlohmann::json outputs_json(RunState& state) {
  nlohmann::json list = nlohmann::json::array();
  const auto add = [&](const std::string& name) {
    std::string& sha256 = state.output_hashes[name];
    if (sha256.empty()) {
      const std::string path = state.study.output + "/" + name;
      if (!io::exists(path)) return;
      sha256 = io::file_sha256(path);
    }
    list.push_back({{"path", name}, {"sha256", sha256}});
  };
  if (state.model_sha256.empty()) return list;  // not trained yet
  for (const SlideWork& work : state.works) {
    if (!work.alive()) continue;
    const std::string& id = work.entry.slide_id;
    if (work.entry.role != Role::kScore) add("scores/labelled/" + id + ".csv");
    if (!work.scored) continue;
    add("scores/grid/" + id + ".csv");
    if (work.outcome.heatmap.empty()) continue;
    add("heatmaps/" + id + ".png");
    add("heatmaps/" + id + ".tiff");
  }
  add("model/model.json");
  return list;
}

void start_record(RunState& state, const encoder::EncoderInfo& encoder) {
  tracking::RunRecord& record = state.record;
  state.encoder_info = encoder;
  state.precision = encoder::resolve_precision(state.study.encoding.precision, encoder);
  record.set("command", {{"study", state.study.path},
                         {"set", state.study.overrides},
                         {"threads", state.context.threads},
                         {"full_hash", state.options.full_hash}});
  record.set("caller", tracking::describe_caller());
  record.set("study", to_json(state.study));
  record.set("encoder", encoder_json(state));
  record.set("seeds", seeds_json(state.study));
  record.set("software",
             tracking::describe_software({{"inference_engine", encoder::inference_engine_version()},
                                          {"openslide", slide::openslide_version()}}));
  // The text as it was, so that the run can be made again when the file has moved on.
  io::write_file_atomic(record.folder() + "/study.toml",
                        tracking::without_credentials(io::read_text_file(state.study.path)));
}

void record_outcomes(RunState& state, bool now) {
  if (!now && state.record.resting()) return;
  nlohmann::json list = nlohmann::json::array();
  for (const SlideWork& work : state.works) list.push_back(to_json(work.outcome));
  state.record.set("slides", list);
}

void measure_metrics(RunState& state, const std::string& role,
                     const evaluation::ClassMetrics& metrics) {
  const auto measure = [&](const std::string& prefix, const nlohmann::json& values) {
    for (const auto& [key, value] : values.items()) {
      if (value.is_number()) state.record.measure(prefix + "_" + key, value.get<double>());
    }
  };
  measure(role, to_json(metrics));
  if (metrics.classes.count() == 2) return;
  for (int label = 0; label < metrics.classes.count(); ++label) {
    measure(role + "_" + metrics.classes.name(label),
            to_json(metrics.per_class[static_cast<size_t>(label)]));
  }
}

}  // namespace lamella::study
