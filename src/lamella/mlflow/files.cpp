// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/files.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <filesystem>

#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"
#include "lamella/io/byte_source.h"
#include "lamella/mlflow/files_internal.h"
#include "lamella/mlflow/publish.h"
#include "lamella/record/run_reader.h"

namespace lamella::mlflow {

namespace fs = std::filesystem;

namespace {

constexpr const char* kModel = "model/model.json";
constexpr std::string_view kMlmodel = "MLmodel";
constexpr std::string_view kCard = "README.md";
constexpr std::string_view kEncoder = "encoder/";
constexpr std::string_view kPosition = "by_position/";

std::string output_folder(const record::RunDocument& document) {
  return record::recorded_path(document, document.output);
}

// Adds the recorded file if it still is what was recorded.
bool add_recorded(const record::Output& item, const std::string& output, RunFiles& found) {
  const std::string path = output + "/" + item.path;
  if (io::exists(path) && io::file_sha256(path) == item.sha256) {
    found.files.push_back({item.path, path, {}, item.sha256});
    return true;
  }
  found.missing.push_back(path);
  return false;
}

}  // namespace

bool is_wanted(const record::RunDocument& document, const std::string& kind) {
  if (!document.placement || document.placement->artifacts.empty()) return true;
  if (std::ranges::count(artifact_kinds(), kind) == 0) return true;  // not among the choices
  return std::ranges::count(document.placement->artifacts, kind) > 0;
}

RunFiles record_files(const record::RunDocument& document, const std::string& folder) {
  RunFiles found;
  for (const char* name : {"run.json", "log.txt", "study.toml", "report.html", "search.csv"}) {
    const bool is_report = std::string_view(name) == "report.html";
    const std::string path = folder + "/" + name;
    if (!is_wanted(document, is_report ? "report" : "record") || !io::exists(path)) continue;
    found.files.push_back({name, path, {}, io::file_sha256(path)});
  }
  return found;
}

RunFiles output_files(const record::RunDocument& document, const nlohmann::json& sent) {
  RunFiles found;
  const std::string output = output_folder(document);
  for (const record::Output& item : document.outputs) {
    // "heatmaps/a.png": the folder is the kind.
    if (item.path == kModel || !is_wanted(document, item.path.substr(0, item.path.find('/')))) {
      continue;
    }
    if (sent.is_object() && sent.contains(item.path) && sent[item.path] == item.sha256) {
      found.files.push_back({item.path, output + "/" + item.path, {}, item.sha256});
    } else {
      add_recorded(item, output, found);
    }
  }
  return found;
}

RunFiles model_files(const record::RunDocument& document) {
  RunFiles found;
  const auto model = std::find_if(document.outputs.begin(), document.outputs.end(),
                                  [](const record::Output& item) { return item.path == kModel; });
  if (model == document.outputs.end()) return found;
  const std::string output = output_folder(document);
  if (!add_recorded(*model, output, found)) return found;
  found.files.clear();
  const fs::path root = fs::path(output) / "model";
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    found.files.push_back(
        {entry.path().lexically_relative(root).string(), path, {}, io::file_sha256(path)});
  }
  std::sort(found.files.begin(), found.files.end(),
            [](const RunFile& a, const RunFile& b) { return a.name < b.name; });
  return found;
}

RunFiles network_model_files(const RunFiles& model) {
  RunFiles found;
  bool is_network = false;
  for (const RunFile& file : model.files) {
    if (file.name.starts_with(kPosition) || file.name.starts_with(kEncoder)) continue;
    found.files.push_back(file);
    is_network = is_network || file.name == kMlmodel;
  }
  if (!is_network) found.files.clear();
  return found;
}

RunFiles position_model_files(const RunFiles& model) {
  RunFiles found;
  for (const RunFile& file : model.files) {
    if (!file.name.starts_with(kPosition)) continue;
    found.files.push_back(file);
    found.files.back().name = file.name.substr(kPosition.size());
  }
  if (found.files.empty()) return found;  // of a version that had none
  for (const RunFile& file : model.files) {
    if (file.name == "model.json" || file.name == kCard || file.name.starts_with(kEncoder)) {
      found.files.push_back(file);
    }
  }
  return found;
}

void complete_mlmodel(RunFiles& files, const LoggedModel& logged) {
  int64_t bytes = 0;
  for (const RunFile& file : files.files) {
    std::error_code ignored;
    if (file.name != kMlmodel) bytes += static_cast<int64_t>(fs::file_size(file.path, ignored));
  }
  for (RunFile& file : files.files) {
    if (file.name != kMlmodel) continue;
    // YAML, of which lamella writes the part that is JSON.
    nlohmann::json json = parse_json_or_discard(io::read_text_file(file.path));
    if (!json.is_object()) continue;  // somebody's own
    json["run_id"] = logged.run_id;
    json["artifact_path"] = logged.artifact_path;
    if (!logged.model_id.empty()) json["model_id"] = logged.model_id;
    json["model_size_bytes"] = bytes;
    json["utc_time_created"] =
        fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}000", fmt::gmtime(logged.created_ms / 1000),
                    logged.created_ms % 1000);
    file.bytes = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    file.path.clear();
    file.sha256 = sha256_hex(file.bytes);
  }
}

std::string card_of(const RunFiles& model) {
  for (const RunFile& file : model.files) {
    if (file.name == kCard) return io::read_text_file(file.path);
  }
  return "";
}

}  // namespace lamella::mlflow
