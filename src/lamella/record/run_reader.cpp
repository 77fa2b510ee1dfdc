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

// The place after the string that begins at text[i].
size_t after_string(std::string_view text, size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\') ++i;
  }
  return std::min(i + 1, text.size());
}

// The place after the object or list that begins at text[i].
size_t after_value(std::string_view text, size_t i) {
  int depth = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == '"') {
      i = after_string(text, i);
      continue;
    }
    ++i;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return i;
}

// The text with nothing in the lists of the record and in "details", the curves: most of a record,
// and nothing of a listing, which takes a tenth of the time so. A text that is no JSON stays none.
std::string without_lists(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::string result;
  int depth = 0;
  size_t kept = 0;  // up to here the text has been dealt with
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '"') {
      if (text[i] == '{' || text[i] == '[') ++depth;
      if (text[i] == '}' || text[i] == ']') --depth;
      ++i;
      continue;
    }
    const std::string_view name = text.substr(i, after_string(text, i) - i);
    i += name.size();
    const size_t colon = text.find_first_not_of(kSpace, i);
    if (depth != 1 || colon == std::string_view::npos || text[colon] != ':') continue;
    const size_t value = text.find_first_not_of(kSpace, colon + 1);
    if (value == std::string_view::npos) continue;
    const bool list = text[value] == '[';
    if (!list && !(text[value] == '{' && name == "\"details\"")) continue;
    result.append(text.substr(kept, value - kept)).append(list ? "[]" : "{}");
    i = kept = after_value(text, value);
  }
  return result.append(text.substr(kept));
}

enum class Parts { kAll, kWithoutLists };

RunDocument read_parts(const std::string& folder, Parts parts) {
  const std::string path = folder + "/" + kRecordName;
  if (!io::exists(path)) {
    throw Error(ErrorCode::kNotFound,
                "there is no run record here (no run.json); 'lamella runs list FOLDER' shows those "
                "beneath a folder",
                folder);
  }
  RunDocument document;
  try {
    const std::string text = io::read_text_file(path, kMaxRecordBytes);
    document = parse_json(parts == Parts::kAll ? text : without_lists(text)).get<RunDocument>();
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

}  // namespace

RunDocument read_run(const std::string& folder) { return read_parts(folder, Parts::kAll); }

FoundRuns find_runs(const std::string& folder, int threads) {
  const std::vector<std::string> folders = run_folders(folder);
  std::vector<std::optional<FoundRun>> read(folders.size());
  std::vector<std::string> faults(folders.size());
  parallel_for(static_cast<int64_t>(folders.size()), threads, [&](int64_t i, int) {
    const auto k = static_cast<size_t>(i);
    try {
      read[k] = FoundRun{folders[k], read_parts(folders[k], Parts::kWithoutLists)};
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
