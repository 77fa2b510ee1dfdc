// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/manifest.h"

#include <filesystem>

#include "lamella/io/address.h"
#include "lamella/io/files.h"
#include "lamella/record/run_json.h"
#include "lamella/study/input_list_internal.h"

namespace lamella::study {

namespace {

record::Inputs read_inputs(InputSources sources, bool full_hash) {
  sources.slides = cohort::read_slides_table(sources.table);
  return list_inputs(sources, [&](size_t i) {
    const cohort::SlideEntry& entry = sources.slides[i];
    record::Input input = record::input_or_error("slide", entry.path, full_hash);
    if (entry.mpp) input.mpp = {*entry.mpp, *entry.mpp};
    return input;
  });
}

}  // namespace

record::Manifest make_manifest(const Study& study, bool full_hash, const std::string& folder) {
  record::Manifest manifest;
  manifest.name = study.name;
  manifest.full_hash = full_hash;
  manifest.inputs = read_inputs({study.slides_table, centre_inputs(study), {}}, full_hash);
  manifest.digest = record::cohort_digest(manifest.inputs, "");
  manifest.digests = record::cohort_digests(manifest.inputs);
  namespace fs = std::filesystem;
  const fs::path base = fs::absolute(folder).lexically_normal();
  for (record::Input& input : manifest.inputs) {
    if (io::is_address(input.path)) continue;
    input.path = fs::absolute(input.path).lexically_normal().lexically_relative(base).string();
  }
  return manifest;
}

ManifestCheck verify_manifest(const std::string& path) {
  const record::Manifest manifest = record::read_manifest(path);
  const std::string folder = io::parent_folder(path);
  InputSources sources;
  for (record::Input input : manifest.inputs) {
    input.path = io::resolve(folder, input.path);
    if (input.kind == "slides table") sources.table = input.path;
    if (input.kind == "centres") sources.centres.push_back(std::move(input));
  }
  const record::Inputs now = read_inputs(std::move(sources), manifest.full_hash);
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
