// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/manifest.h"

#include <filesystem>

#include "lamella/io/files.h"
#include "lamella/record/run_json.h"
#include "lamella/study/slides_table.h"

namespace lamella::study {

namespace {

struct Sources {
  std::string table;
  std::vector<patch::CentreFile> centres;
};

record::Inputs list_inputs(const Sources& sources, bool full_hash) {
  record::Inputs inputs;
  inputs.push_back(record::input_or_error("slides table", sources.table, false));
  for (const patch::CentreFile& file : sources.centres) {
    inputs.push_back(record::input_or_error("centres", file.path, false));
    inputs.back().label = file.label;
  }
  for (const SlideEntry& entry : read_slides_table(sources.table)) {
    record::Input input = record::input_or_error("slide", entry.path, full_hash);
    input.slide_id = entry.slide_id;
    input.patient_id = entry.patient_id;
    input.role = to_string(entry.role);
    if (entry.mpp) input.mpp = {*entry.mpp, *entry.mpp};
    inputs.push_back(std::move(input));
    const auto add = [&](const char* kind, const std::string& path) {
      inputs.push_back(record::input_or_error(kind, path, false));
      inputs.back().slide_id = entry.slide_id;
    };
    if (entry.mask != "auto" && entry.mask != "none") add("tissue mask", entry.mask);
    if (!entry.annotations.empty()) add("annotations", entry.annotations);
  }
  return inputs;
}

}  // namespace

record::Manifest make_manifest(const Study& study, bool full_hash, const std::string& folder) {
  record::Manifest manifest;
  manifest.name = study.name;
  manifest.full_hash = full_hash;
  manifest.inputs = list_inputs({study.slides_table, study.labels.centers}, full_hash);
  manifest.digest = record::cohort_digest(manifest.inputs, "");
  manifest.digests = record::cohort_digests(manifest.inputs);
  namespace fs = std::filesystem;
  const fs::path base = fs::absolute(folder).lexically_normal();
  for (record::Input& input : manifest.inputs) {
    input.path = fs::absolute(input.path).lexically_normal().lexically_relative(base).string();
  }
  return manifest;
}

ManifestCheck verify_manifest(const std::string& path) {
  const record::Manifest manifest = record::read_manifest(path);
  const std::string folder = io::parent_folder(path);
  Sources sources;
  for (const record::Input& input : manifest.inputs) {
    const std::string place = io::resolve(folder, input.path);
    if (input.kind == "slides table") sources.table = place;
    if (input.kind == "centres") {
      sources.centres.push_back({place, static_cast<int8_t>(input.label.value_or(0))});
    }
  }
  const record::Inputs now = list_inputs(sources, manifest.full_hash);
  ManifestCheck check;
  check.digest = manifest.digest;
  check.digest_now = record::cohort_digest(now, "");
  for (record::Difference& difference : record::compare_json("inputs", manifest.inputs, now)) {
    difference.name = difference.name.substr(std::string("inputs.").size());
    difference.is_input = true;
    check.differences.push_back(std::move(difference));
  }
  return check;
}

}  // namespace lamella::study
