// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/run_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/parallel.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/locked_file.h"
#include "lamella/record/run_json.h"

namespace lamella::record {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kMaxRecordBytes = int64_t{1} << 28;
constexpr const char* kRecordName = "run.json";

void collect(const fs::path& folder, int depth, std::vector<std::string>& found) {
  std::error_code error;
  std::vector<fs::path> below;
  for (fs::directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!it->is_directory(ignored) || it->is_symlink(ignored)) continue;
    below.push_back(it->path());
  }
  for (const fs::path& path : below) {
    if (io::exists(path / kRecordName)) {
      found.push_back(path.string());
    } else if (depth > 1) {
      collect(path, depth - 1, found);
    }
  }
}

std::vector<std::string> run_folders(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw Error(ErrorCode::kNotFound,
                "there is no such folder; expected the output folder of a study, or one that holds "
                "several",
                folder);
  }
  std::vector<std::string> found;
  collect(folder, kDepth, found);
  return found;
}

}  // namespace

RunDocument read_run(const std::string& folder) {
  const std::string path = folder + "/" + kRecordName;
  if (!io::exists(path)) {
    throw Error(ErrorCode::kNotFound,
                "there is no run record here (no run.json); 'lamella runs list FOLDER' shows those "
                "beneath a folder",
                folder);
  }
  RunDocument document;
  try {
    document = parse_json(io::read_text_file(path, kMaxRecordBytes)).get<RunDocument>();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kCorrupt, std::string("is no run record: ") + error.what(), path);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnsupported) throw Error(error.code(), error.message(), path);
    if (error.code() != ErrorCode::kCorrupt) throw;
    throw Error(ErrorCode::kCorrupt, "is no run record: " + error.message(), path);
  }
  // The writer holds its lock as long as its process lives, also if the folder was moved. Without a
  // lock file (a file system without locks, another writer) nothing is known.
  if (document.status == Status::kRunning && io::nobody_holds(folder + "/lock")) {
    document.status = Status::kKilled;
  }
  return document;
}

FoundRuns find_runs(const std::string& folder, int threads) {
  const std::vector<std::string> folders = run_folders(folder);
  std::vector<std::optional<FoundRun>> read(folders.size());
  std::vector<std::string> faults(folders.size());
  parallel_for(static_cast<int64_t>(folders.size()), threads, [&](int64_t i, int) {
    const auto k = static_cast<size_t>(i);
    try {
      read[k] = FoundRun{folders[k], read_run(folders[k])};
    } catch (const Error& error) {
      faults[k] = error.what();
    }
  });
  FoundRuns result;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (read[i]) result.runs.push_back(std::move(*read[i]));
    if (!faults[i].empty()) result.unreadable.push_back(faults[i]);
  }
  const auto key = [](const FoundRun& run) {
    return std::pair(run.document.start_time, run.document.run_id);
  };
  std::sort(result.runs.begin(), result.runs.end(),
            [&](const FoundRun& a, const FoundRun& b) { return key(a) < key(b); });
  std::sort(result.unreadable.begin(), result.unreadable.end());
  return result;
}

std::string recorded_path(const RunDocument& document, const std::string& path) {
  const std::string folder = document.caller ? document.caller->folder : std::string();
  std::error_code error;
  return folder.empty() || fs::equivalent(folder, ".", error) ? path : io::resolve(folder, path);
}

std::string find_run(const std::string& id_or_path, const std::string& folder) {
  if (io::exists(id_or_path + "/" + kRecordName)) return id_or_path;
  if (fs::path(id_or_path).filename() == kRecordName && io::exists(id_or_path)) {
    return io::parent_folder(id_or_path);
  }
  std::vector<std::string> ids, matching;
  for (const std::string& path : run_folders(folder)) {
    const std::string id = fs::path(path).filename().string();
    if (id == id_or_path) return path;
    if (id.starts_with(id_or_path)) matching.push_back(path);
    ids.push_back(id);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty()) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("there is no run '{}' beneath it{}; 'lamella runs list {}' shows those "
                            "that are",
                            id_or_path, did_you_mean(id_or_path, ids), folder),
                folder);
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{} runs begin with '{}': {}, …; give more of the id", matching.size(),
                          id_or_path, fs::path(matching[0]).filename().string()),
              folder);
}

}  // namespace lamella::record
