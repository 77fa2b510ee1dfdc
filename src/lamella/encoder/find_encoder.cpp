// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

namespace fs = std::filesystem;

// Folders directly inside `place` that hold an encoder.json, sorted; none if it cannot be listed.
std::vector<std::string> encoder_folders(const std::string& place) {
  std::vector<std::string> folders;
  std::error_code error;
  for (fs::directory_iterator entry(place, error), end; !error && entry != end;
       entry.increment(error)) {
    if (io::exists(description_path(entry->path().string()))) {
      folders.push_back(entry->path().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<std::string> all_encoder_folders() {
  std::vector<std::string> folders;
  std::vector<fs::path> seen;  // two places may be one folder
  for (const std::string& place : encoder_search_path()) {
    for (const std::string& folder : encoder_folders(place)) {
      std::error_code error;
      const fs::path real = fs::canonical(folder, error);
      if (!error && std::find(seen.begin(), seen.end(), real) != seen.end()) continue;
      seen.push_back(real);
      folders.push_back(folder);
    }
  }
  return folders;
}

void add_place(std::vector<std::string>& places, const fs::path& place) {
  const std::string text = place.lexically_normal().string();
  if (std::find(places.begin(), places.end(), text) == places.end()) places.push_back(text);
}

[[noreturn]] void throw_not_found(const std::string& name,
                                  const std::vector<std::string>& folders) {
  std::vector<std::string> names;
  for (const std::string& folder : folders) names.push_back(fs::path(folder).filename().string());
  throw Error(ErrorCode::kNotFound,
              fmt::format("found no encoder '{}'{}; there {} (looked in {}); give one of these, a "
                          "folder with encoder.json and network.onnx, or set LAMELLA_ENCODERS",
                          name, did_you_mean(name, names),
                          names.empty() ? "is none" : "is " + join(names, ", "),
                          join(encoder_search_path(), ", ")));
}

}  // namespace

std::vector<std::string> encoder_search_path() {
  std::vector<std::string> places;
  if (const char* variable = std::getenv("LAMELLA_ENCODERS")) {
    std::string_view rest = variable;
    while (!rest.empty()) {
      const size_t colon = rest.find(':');
      const std::string_view place = rest.substr(0, colon);
      if (!place.empty()) add_place(places, fs::path(place));
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
  }
  const fs::path folder = io::own_folder();
  if (!folder.empty()) {
    add_place(places, folder / "../../encoders");
    add_place(places, folder / "../share/lamella/encoders");
    add_place(places, folder / "share/lamella/encoders");
  }
  add_place(places, "encoders");
  return places;
}

EncoderInfo find_encoder(const std::string& name_or_folder) {
  const bool is_path = name_or_folder.find('/') != std::string::npos;
  if (is_path || io::exists(description_path(name_or_folder))) {
    return read_encoder_info(name_or_folder);
  }
  const std::vector<std::string> folders = all_encoder_folders();
  // Folder names first: a damaged encoder.json of another encoder is then in nobody's way.
  for (const std::string& folder : folders) {
    if (fs::path(folder).filename() == name_or_folder) return read_encoder_info(folder);
  }
  for (const std::string& folder : folders) {
    if (read_description(folder).name == name_or_folder) return read_encoder_info(folder);
  }
  throw_not_found(name_or_folder, folders);
}

std::optional<EncoderInfo> find_origin(const EncoderInfo& info) {
  if (!info.made_from) return std::nullopt;
  std::vector<std::string> folders = encoder_folders(io::parent_folder(info.folder));
  std::ranges::copy(all_encoder_folders(), std::back_inserter(folders));
  for (const std::string& folder : folders) {
    try {
      if (read_description(folder).sha256 == info.made_from->sha256) {
        return read_encoder_info(folder);
      }
    } catch (const Error&) {
      // A damaged encoder is not the one; whoever asks for it by name is told.
    }
  }
  return std::nullopt;
}

std::vector<EncoderInfo> list_encoders() {
  std::vector<EncoderInfo> infos;
  for (const std::string& folder : all_encoder_folders()) {
    infos.push_back(read_encoder_info(folder));
  }
  return infos;
}

}  // namespace lamella::encoder
