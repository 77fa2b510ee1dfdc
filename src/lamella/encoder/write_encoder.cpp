// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "lamella/base/hash.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

nlohmann::ordered_json to_json(const EncoderInfo& info) {
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for (const OutputInfo& output : info.outputs) {
    if (output.pooling == Pooling::kNone) {
      outputs.push_back(output.name);
    } else {
      outputs.push_back(
          {{"name", output.name}, {"pooling", std::string(to_string(output.pooling))}});
    }
  }
  nlohmann::ordered_json json = {{"name", info.name},
                                 {"source", info.source},
                                 {"licence", info.licence},
                                 {"sha256", info.sha256},
                                 {"input_px", info.input_px},
                                 {"colour_order", info.colour_order},
                                 {"mean", info.mean},
                                 {"std", info.std},
                                 {"outputs", outputs},
                                 {"prefix_tokens", info.prefix_tokens},
                                 {"views", info.views},
                                 {"dimension", info.dimension},
                                 {"weights", info.int8 ? "int8" : "float"}};
  json["recommended_mpp"] = nullptr;
  if (info.recommended_mpp) json["recommended_mpp"] = *info.recommended_mpp;
  if (!info.quality.empty()) json["quality"] = info.quality;
  if (info.made_from) {
    json["made_from"] = {{"name", info.made_from->name}, {"sha256", info.made_from->sha256}};
  }
  return json;
}

}  // namespace

EncoderInfo write_encoder(EncoderInfo info, std::string_view network, const std::string& folder) {
  if (io::exists(folder) && !std::filesystem::is_empty(folder)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the folder exists; choose another one, or remove it first", folder);
  }
  info.sha256 = sha256_hex(network);
  io::make_folders(folder);
  try {
    io::write_file_atomic(network_path(folder), network);
    io::write_file_atomic(description_path(folder), to_json(info).dump(2) + "\n");
    return read_encoder_info(folder);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(network_path(folder), ignored);
    std::filesystem::remove(description_path(folder), ignored);
    std::filesystem::remove(folder, ignored);  // only if nothing else is in it
    throw;
  }
}

EncoderInfo encoder_with_views(const EncoderInfo& info, const std::vector<double>& views,
                               const std::string& folder) {
  const auto fits = [](double view) { return view >= patch::kMinView && view <= patch::kMaxView; };
  if (views.empty() || views.size() > patch::kMaxViews || !std::ranges::all_of(views, fits)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("`views`: found {}, expected 1 to {} numbers from {} to {}",
                    fmt::join(views, ","), patch::kMaxViews, patch::kMinView, patch::kMaxView));
  }
  if (views == info.views) return info;
  EncoderInfo other = info;
  other.name = fmt::format("{}-views{}", info.name, fmt::join(views, "-"));
  other.views = views;
  other.dimension =
      info.dimension / static_cast<int>(info.views.size()) * static_cast<int>(views.size());
  const std::string own = folder + "/" + other.name;
  if (!io::exists(description_path(own))) {
    return write_encoder(other, io::read_text_file(network_path(info.folder), kMaxNetworkBytes),
                         own);
  }
  const EncoderInfo found = read_encoder_info(own);
  if (found.sha256 == info.sha256 && found.views == views &&
      network_space(found) == network_space(other)) {
    return found;
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("holds another encoder than {} with the views {}; remove the folder",
                          info.name, fmt::join(views, ",")),
              own);
}

}  // namespace lamella::encoder
