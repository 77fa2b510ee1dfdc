// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/files.h"

#include <algorithm>
#include <filesystem>

#include "lamella/io/byte_source.h"
#include "lamella/mlflow/files_internal.h"
#include "lamella/record/run_reader.h"

namespace lamella::mlflow {

namespace fs = std::filesystem;

namespace {

constexpr const char* kModel = "model/model.json";

std::string output_folder(const record::RunDocument& document) {
  return record::recorded_path(document, document.output);
}

// Adds the recorded file if it still is what was recorded.
bool add_recorded(const record::Output& item, const std::string& output, RunFiles& found) {
  const std::string path = output + "/" + item.path;
  if (io::exists(path) && io::file_sha256(path) == item.sha256) {
    found.files.push_back({item.path, path, item.sha256});
    return true;
  }
  found.missing.push_back(path);
  return false;
}

}  // namespace

RunFiles record_files(const std::string& folder) {
  RunFiles found;
  for (const char* name : {"run.json", "log.txt", "study.toml", "report.html", "search.csv"}) {
    const std::string path = folder + "/" + name;
    if (io::exists(path)) found.files.push_back({name, path, io::file_sha256(path)});
  }
  return found;
}

RunFiles output_files(const record::RunDocument& document, const nlohmann::json& sent) {
  RunFiles found;
  const std::string output = output_folder(document);
  for (const record::Output& item : document.outputs) {
    if (item.path == kModel) continue;
    if (sent.is_object() && sent.contains(item.path) && sent[item.path] == item.sha256) {
      found.files.push_back({item.path, output + "/" + item.path, item.sha256});
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
        {entry.path().lexically_relative(root).string(), path, io::file_sha256(path)});
  }
  std::sort(found.files.begin(), found.files.end(),
            [](const RunFile& a, const RunFile& b) { return a.name < b.name; });
  return found;
}

RunFiles position_model_files(const RunFiles& model) {
  constexpr std::string_view kOwn = "by_position/";
  RunFiles found;
  for (const RunFile& file : model.files) {
    if (file.name.starts_with(kOwn)) {
      found.files.push_back({file.name.substr(kOwn.size()), file.path, file.sha256});
    }
  }
  if (found.files.empty()) return found;  // of a version that had none
  for (const RunFile& file : model.files) {
    if (file.name == "model.json" || file.name == "README.md" ||
        file.name.starts_with("encoder/")) {
      found.files.push_back(file);
    }
  }
  return found;
}

}  // namespace lamella::mlflow
