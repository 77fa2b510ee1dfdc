// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/packaged_client.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::mlflow {

namespace fs = std::filesystem;

namespace {

constexpr size_t kQuotedCharacters = 500;

constexpr const char* kProgram = R"(import json, sys
job = json.load(open(sys.argv[1]))
import mlflow
mlflow.set_tracking_uri(job["uri"])
client = mlflow.MlflowClient()
if job["model_id"]:
    client.log_model_artifacts(job["model_id"], job["folder"])
else:
    client.log_artifacts(job["run_id"], job["folder"])
)";

// Removed with all that is in it.
class Staging {
 public:
  Staging() {
    std::string pattern = (fs::temp_directory_path() / "lamella_upload_XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw Error(ErrorCode::kIo, "cannot be made", pattern);
    path_ = pattern;
  }
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string executable_beside(const fs::path& program) {
  for (const char* name : {"python3", "python"}) {
    const fs::path path = program.parent_path() / name;
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return "";
}

// "#!/usr/bin/python3" of an installed script.
std::string first_line_interpreter(const fs::path& script) {
  constexpr size_t kMost = 4096;
  std::string text;
  try {
    text = io::read_text_file(script.string(), kMost);
  } catch (const Error&) {
    return "";
  }
  if (!text.starts_with("#!")) return "";
  const std::string path(trim(std::string_view(text).substr(2, text.find('\n') - 2)));
  const bool is_python = fs::path(path).filename().string().starts_with("python");
  return is_python && ::access(path.c_str(), X_OK) == 0 ? path : "";
}

void put(const ClientFile& item, const std::string& folder) {
  const std::string place = folder + "/" + item.name;
  if (item.file.empty()) return io::write_file_atomic(place, item.bytes);
  io::make_folders(io::parent_folder(place));
  std::error_code error;
  fs::create_symlink(fs::absolute(item.file), place, error);
  if (error) throw Error(ErrorCode::kIo, "cannot be linked: " + error.message(), place);
}

// The end of what it printed, on one line, where Python says what the matter is.
std::string last_words(const std::string& log, const Address& address) {
  std::string text = io::read_text_file(log);
  for (const std::string& secret : {address.password, address.token}) {
    for (size_t at; !secret.empty() && (at = text.find(secret)) != std::string::npos;) {
      text.replace(at, secret.size(), "…");
    }
  }
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (!trim(line).empty()) last = trim(line);
  }
  if (last.size() > kQuotedCharacters) last = last.substr(0, kQuotedCharacters) + "…";
  return without_credentials(last);
}

std::vector<std::string> environment_of(const Address& address) {
  std::vector<std::string> variables = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false",
                                        "MLFLOW_DISABLE_TELEMETRY=true"};
  const bool has_own = ::getenv("MLFLOW_TRACKING_USERNAME") || ::getenv("MLFLOW_TRACKING_TOKEN");
  if (!address.user.empty() && !has_own) {
    variables.push_back("MLFLOW_TRACKING_USERNAME=" + address.user);
    variables.push_back("MLFLOW_TRACKING_PASSWORD=" + address.password);
  }
  return variables;
}

}  // namespace

std::string find_packaged_client() {
  const char* folders = ::getenv("PATH");
  std::istringstream list(folders ? folders : "");
  for (std::string folder; std::getline(list, folder, ':');) {
    const fs::path program = fs::path(folder.empty() ? "." : folder) / "mlflow";
    if (::access(program.c_str(), X_OK) != 0) continue;
    const std::string python = first_line_interpreter(program);
    return python.empty() ? executable_beside(program) : python;
  }
  return "";
}

void upload_by_client(const std::string& python, const Address& address, const Upload& upload,
                      const Context& context) {
  const Staging staging;
  const std::string folder = staging.file("files");
  for (const ClientFile& item : upload.files) put(item, folder);
  const nlohmann::json job = {{"uri", address.workspace.empty() ? address.uri : address.workspace},
                              {"run_id", upload.run_id},
                              {"model_id", upload.model_id},
                              {"folder", folder}};
  io::write_file_atomic(staging.file("job.json"), job.dump());
  io::write_file_atomic(staging.file("upload.py"), kProgram);
  const int code = run_process({python, staging.file("upload.py"), staging.file("job.json")},
                               staging.file("log"), context, environment_of(address));
  if (code == 0) return;
  throw Error(ErrorCode::kIo,
              fmt::format("MLflow's own client ({}) could not send {} files to where the server "
                          "keeps artifacts: {}",
                          python, upload.files.size(), last_words(staging.file("log"), address)),
              address.uri);
}

}  // namespace lamella::mlflow
