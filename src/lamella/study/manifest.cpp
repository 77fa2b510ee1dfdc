// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"
#include "lamella/io/address.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/record/run_json.h"
#include "lamella/study/slides_table.h"

namespace lamella::study {

using Json = nlohmann::json;

namespace {

constexpr int kFormat = 1;

// What tells one content from another.
std::string content_of(const record::Input& input) {
  return input.sha256 ? *input.sha256 : input.fingerprint.value_or("");
}

record::Input readable_or_error(const std::string& kind, const std::string& path, bool full_hash) {
  try {
    return input_file(kind, path, full_hash);
  } catch (const Error& error) {
    return {.kind = kind, .path = without_credentials(path), .error = error.message()};
  }
}

struct Sources {
  std::string table;
  std::vector<patch::CentreFile> centres;
};

record::Inputs list_inputs(const Sources& sources, bool full_hash) {
  record::Inputs inputs;
  inputs.push_back(readable_or_error("slides table", sources.table, false));
  for (const patch::CentreFile& file : sources.centres) {
    inputs.push_back(readable_or_error("centres", file.path, false));
    inputs.back().label = file.label;
  }
  for (const SlideEntry& entry : read_slides_table(sources.table)) {
    record::Input input = readable_or_error("slide", entry.path, full_hash);
    input.slide_id = entry.slide_id;
    input.patient_id = entry.patient_id;
    input.role = to_string(entry.role);
    if (entry.mpp) input.mpp = {*entry.mpp, *entry.mpp};
    inputs.push_back(std::move(input));
    const auto add = [&](const char* kind, const std::string& path) {
      inputs.push_back(readable_or_error(kind, path, false));
      inputs.back().slide_id = entry.slide_id;
    };
    if (entry.mask != "auto" && entry.mask != "none") add("tissue mask", entry.mask);
    if (!entry.annotations.empty()) add("annotations", entry.annotations);
  }
  return inputs;
}

std::map<std::string, std::string> digests_of(const record::Inputs& inputs) {
  std::map<std::string, std::string> digests;
  for (const record::Input& input : inputs) {
    if (input.kind == "slide" && input.role && !digests.contains(*input.role)) {
      digests[*input.role] = cohort_digest(inputs, *input.role);
    }
  }
  return digests;
}

Manifest parse_manifest(const Json& json) {
  if (json.at("format") != kFormat) throw Error(ErrorCode::kCorrupt, "it is of another format");
  Manifest manifest;
  manifest.name = json.value("name", "");
  manifest.digest = json.at("digest").get<std::string>();
  manifest.digests = json.value("digests", manifest.digests);
  manifest.full_hash = json.value("full_hash", false);
  manifest.inputs = json.at("inputs").get<record::Inputs>();
  const std::string digest = cohort_digest(manifest.inputs, "");
  if (manifest.digest != digest) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("its digest is {}, that of its entries is {}; it was edited",
                            manifest.digest, digest));
  }
  return manifest;
}

}  // namespace

record::Input input_file(const std::string& kind, const std::string& path, bool full_hash) {
  const auto source = kind == "slide" ? io::open_source(path) : io::open_file(path);
  record::Input input;
  input.kind = kind;
  input.path = source->name();
  input.bytes = source->size();
  input.fingerprint = io::fingerprint(*source);
  if (full_hash || kind != "slide") input.sha256 = io::source_sha256(*source);
  return input;
}

std::string cohort_digest(const record::Inputs& inputs, const std::string& role) {
  std::map<std::string, std::string> annotations;
  std::vector<std::string> lines;
  for (const record::Input& input : inputs) {
    if (input.kind == "annotations" && input.slide_id) {
      annotations[*input.slide_id] = content_of(input);
    } else if (input.kind == "centres") {
      lines.push_back(Json{"centres", json_or_null(input.label), content_of(input)}.dump());
    }
  }
  for (const record::Input& input : inputs) {
    if (input.kind != "slide" || (!role.empty() && input.role != role)) continue;
    const std::string id = input.slide_id.value_or("");
    // The fingerprint, so that a digest does not depend on --full-hash.
    const Json line = {id, input.patient_id.value_or(""), input.role.value_or(""),
                       input.fingerprint.value_or(""), annotations[id]};
    lines.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  for (const std::string& line : lines) hash.update(line + "\n");
  return hash.hex();
}

Manifest make_manifest(const Study& study, bool full_hash, const std::string& folder) {
  Manifest manifest;
  manifest.name = study.name;
  manifest.full_hash = full_hash;
  manifest.inputs = list_inputs({study.slides_table, study.labels.centers}, full_hash);
  manifest.digest = cohort_digest(manifest.inputs, "");
  manifest.digests = digests_of(manifest.inputs);
  namespace fs = std::filesystem;
  const fs::path base = fs::absolute(folder).lexically_normal();
  for (record::Input& input : manifest.inputs) {
    if (io::is_address(input.path)) continue;
    input.path = fs::absolute(input.path).lexically_normal().lexically_relative(base).string();
  }
  return manifest;
}

Json to_json(const Manifest& manifest) {
  return {{"format", kFormat},
          {"name", manifest.name},
          {"digest", manifest.digest},
          {"digests", manifest.digests},
          {"full_hash", manifest.full_hash},
          {"inputs", manifest.inputs}};
}

Manifest read_manifest(const std::string& path) {
  const std::string text = io::read_text_file(path, int64_t{1} << 28);
  try {
    return parse_manifest(parse_json(text));
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kCorrupt, std::string("is no manifest: ") + error.what(), path);
  } catch (const Error& error) {
    throw Error(ErrorCode::kCorrupt, "is no manifest: " + error.message(), path);
  }
}

ManifestCheck verify_manifest(const std::string& path) {
  const Manifest manifest = read_manifest(path);
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
  check.digest_now = cohort_digest(now, "");
  for (record::Difference& difference : record::compare_json("inputs", manifest.inputs, now)) {
    difference.name = difference.name.substr(std::string("inputs.").size());
    difference.is_input = true;
    check.differences.push_back(std::move(difference));
  }
  return check;
}

}  // namespace lamella::study
