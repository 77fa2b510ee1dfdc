// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/tissue_look.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"

namespace lamella::storage {

namespace {

constexpr int64_t kMaxBytes = 1 << 16;

std::optional<std::array<double, 3>> channels(const nlohmann::json& json) {
  if (json.is_null()) return {};
  const auto values = json.get<std::array<double, 3>>();
  for (const double value : values) {
    if (!std::isfinite(value)) throw Error(ErrorCode::kCorrupt, "found a number that is none");
  }
  return values;
}

}  // namespace

void write_look(const tissue::CohortSlide& slide, const std::string& path) {
  const nlohmann::ordered_json json = {{"slide_id", slide.slide_id},
                                       {"tissue_fraction", slide.tissue_fraction},
                                       {"glass_rgb", json_or_null(slide.look.glass_rgb)},
                                       {"stain_density", json_or_null(slide.look.stain_density)},
                                       {"coloured", slide.look.coloured}};
  io::write_file_atomic(path,
                        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<tissue::CohortSlide> read_look(const std::string& path) {
  if (!io::exists(path)) return {};
  try {
    const nlohmann::json json = parse_json(io::read_text_file(path, kMaxBytes));
    tissue::CohortSlide slide;
    slide.slide_id = json.at("slide_id").get<std::string>();
    slide.tissue_fraction = json.at("tissue_fraction").get<double>();
    slide.look.glass_rgb = channels(json.at("glass_rgb"));
    slide.look.stain_density = channels(json.at("stain_density"));
    slide.look.coloured = json.at("coloured").get<bool>();
    return slide;
  } catch (const nlohmann::json::exception&) {
    return {};
  } catch (const Error&) {
    return {};
  }
}

}  // namespace lamella::storage
