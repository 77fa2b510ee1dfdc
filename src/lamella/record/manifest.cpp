// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/record/run_json.h"

namespace lamella::record {

using Json = nlohmann::json;

namespace {

constexpr int kFormat = 1;

// What tells one content from another.
std::string content_of(const Input& input) {
  return input.sha256 ? *input.sha256 : input.fingerprint.value_or("");
}

Manifest parse_manifest(const Json& json) {
  if (json.at("format") != kFormat) throw Error(ErrorCode::kCorrupt, "it is of another format");
  Manifest manifest;
  manifest.name = json.value("name", "");
  manifest.digest = json.at("digest").get<std::string>();
  manifest.digests = json.value("digests", manifest.digests);
  manifest.full_hash = json.value("full_hash", false);
  manifest.inputs = json.at("inputs").get<Inputs>();
  const std::string digest = cohort_digest(manifest.inputs, "");
  if (manifest.digest != digest) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("its digest is {}, that of its entries is {}; it was edited",
                            manifest.digest, digest));
  }
  return manifest;
}

}  // namespace

Input input_file(const std::string& kind, const std::string& path, bool full_hash) {
  const auto source = kind == "slide" ? io::open_source(path) : io::open_file(path);
  Input input;
  input.kind = kind;
  input.path = source->name();
  input.bytes = source->size();
  input.fingerprint = io::fingerprint(*source);
  if (full_hash || kind != "slide") input.sha256 = io::source_sha256(*source);
  return input;
}

Input input_or_error(const std::string& kind, const std::string& path, bool full_hash) {
  try {
    return input_file(kind, path, full_hash);
  } catch (const Error& error) {
    return {.kind = kind, .path = without_credentials(path), .error = error.message()};
  }
}

std::string cohort_digest(const Inputs& inputs, const std::string& role) {
  std::map<std::string, std::string> annotations;
  std::vector<std::string> lines;
  for (const Input& input : inputs) {
    if (input.kind == "annotations" && input.slide_id) {
      annotations[*input.slide_id] = content_of(input);
    } else if (input.kind == "centres") {
      lines.push_back(Json{"centres", json_or_null(input.label), content_of(input)}.dump());
    }
  }
  for (const Input& input : inputs) {
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

std::map<std::string, std::string> cohort_digests(const Inputs& inputs) {
  std::map<std::string, std::string> digests;
  for (const Input& input : inputs) {
    if (input.kind == "slide" && input.role && !digests.contains(*input.role)) {
      digests[*input.role] = cohort_digest(inputs, *input.role);
    }
  }
  return digests;
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

}  // namespace lamella::record
