// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/study/slides_table.h"

namespace lamella::study {

using Json = nlohmann::json;

namespace {

constexpr int kFormat = 1;

// What tells one content from another.
std::string content_of(const Json& item) {
  return item.value("sha256", item.value("fingerprint", std::string()));
}

Json readable_or_error(const std::string& kind, const std::string& path, bool full_hash) {
  try {
    return input_file(kind, path, full_hash);
  } catch (const Error& error) {
    return {{"kind", kind}, {"path", path}, {"error", error.message()}};
  }
}

struct Sources {
  std::string table;
  std::vector<patch::CentreFile> centres;
};

Json list_inputs(const Sources& sources, bool full_hash) {
  Json inputs = Json::array();
  inputs.push_back(readable_or_error("slides table", sources.table, false));
  for (const patch::CentreFile& file : sources.centres) {
    inputs.push_back(readable_or_error("centres", file.path, false));
    inputs.back()["label"] = file.label;
  }
  for (const SlideEntry& entry : read_slides_table(sources.table)) {
    Json item = readable_or_error("slide", entry.path, full_hash);
    item["slide_id"] = entry.slide_id;
    item["patient_id"] = entry.patient_id;
    item["role"] = std::string(to_string(entry.role));
    if (entry.mpp) item["mpp"] = *entry.mpp;
    inputs.push_back(std::move(item));
    if (entry.annotations.empty()) continue;
    inputs.push_back(readable_or_error("annotations", entry.annotations, false));
    inputs.back()["slide_id"] = entry.slide_id;
  }
  return inputs;
}

Json digests_of(const Json& inputs) {
  Json digests = Json::object();
  for (const Json& item : inputs) {
    if (item["kind"] != "slide") continue;
    const std::string role = item["role"].get<std::string>();
    if (!digests.contains(role)) digests[role] = cohort_digest(inputs, role);
  }
  return digests;
}

}  // namespace

Json input_file(const std::string& kind, const std::string& path, bool full_hash) {
  const auto source = io::open_file(path);
  Json item = {{"kind", kind},
               {"path", path},
               {"bytes", source->size()},
               {"fingerprint", io::fingerprint(*source)}};
  if (full_hash || kind != "slide") item["sha256"] = io::file_sha256(path);
  return item;
}

std::string cohort_digest(const Json& inputs, const std::string& role) {
  std::map<std::string, std::string> annotations;
  std::vector<std::string> lines;
  for (const Json& item : inputs) {
    if (item["kind"] == "annotations") {
      annotations[item["slide_id"].get<std::string>()] = content_of(item);
    } else if (item["kind"] == "centres") {
      lines.push_back(Json{"centres", item["label"], content_of(item)}.dump());
    }
  }
  for (const Json& item : inputs) {
    if (item["kind"] != "slide" || (!role.empty() && item["role"] != role)) continue;
    // The fingerprint, so that a digest does not depend on --full-hash.
    const Json line = {item["slide_id"], item["patient_id"], item["role"],
                       item.value("fingerprint", std::string()),
                       annotations[item["slide_id"].get<std::string>()]};
    lines.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  for (const std::string& line : lines) hash.update(line + "\n");
  return hash.hex();
}

Json make_manifest(const Study& study, bool full_hash, const std::string& folder) {
  Json inputs = list_inputs({study.slides_table, study.centers}, full_hash);
  namespace fs = std::filesystem;
  const fs::path base = fs::absolute(folder).lexically_normal();
  for (Json& item : inputs) {
    const fs::path path = fs::absolute(item["path"].get<std::string>()).lexically_normal();
    item["path"] = path.lexically_relative(base).string();
  }
  return {{"format", kFormat},
          {"name", study.name},
          {"digest", cohort_digest(inputs, "")},
          {"digests", digests_of(inputs)},
          {"full_hash", full_hash},
          {"inputs", inputs}};
}

Json read_manifest(const std::string& path) {
  const auto refuse = [&](const std::string& message) {
    throw Error(ErrorCode::kCorrupt, "is no manifest: " + message, path);
  };
  const std::string text = io::read_text_file(path, int64_t{1} << 28);
  try {
    Json manifest = parse_json(text);
    if (manifest.at("format") != kFormat) refuse("it is of another format");
    const std::string digest = cohort_digest(manifest.at("inputs"), "");
    if (manifest.at("digest") != digest) {
      refuse(fmt::format("its digest is {}, that of its entries is {}; it was edited",
                         manifest.at("digest").get<std::string>(), digest));
    }
    return manifest;
  } catch (const Json::exception& error) {
    refuse(error.what());
  }
  return {};
}

ManifestCheck verify_manifest(const std::string& path) {
  const Json manifest = read_manifest(path);
  const std::string folder = io::parent_folder(path);
  Sources sources;
  for (const Json& item : manifest["inputs"]) {
    const std::string place = io::resolve(folder, item["path"].get<std::string>());
    if (item["kind"] == "slides table") sources.table = place;
    if (item["kind"] == "centres") sources.centres.push_back({place, item["label"].get<int8_t>()});
  }
  const Json now = list_inputs(sources, manifest.value("full_hash", false));
  ManifestCheck check;
  check.digest = manifest["digest"].get<std::string>();
  check.digest_now = cohort_digest(now, "");
  for (tracking::Difference& difference :
       tracking::compare_json("inputs", manifest["inputs"], now)) {
    difference.name = difference.name.substr(std::string("inputs.").size());
    difference.is_input = true;
    check.differences.push_back(std::move(difference));
  }
  return check;
}

}  // namespace lamella::study
