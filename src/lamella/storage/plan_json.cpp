// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/plan_json.h"

#include <fmt/format.h>

#include "lamella/base/json_text.h"

namespace lamella::storage {

namespace {

constexpr int kPlanFormat = 2;  // 1: labels without names

}  // namespace

std::optional<double> optional_double(const nlohmann::json& json, const char* key) {
  if (!json.contains(key) || json.at(key).is_null()) return {};
  return json.at(key).get<double>();
}

nlohmann::json spec_to_json(const patch::PatchSpec& spec) {
  return {{"size_px", spec.size_px},
          {"level", json_or_null(spec.level)},
          {"mpp", json_or_null(spec.mpp)}};
}

patch::PatchSpec spec_from_json(const nlohmann::json& json) {
  patch::PatchSpec spec;
  spec.size_px = json_whole<int>(json.at("size_px"));
  if (!json.at("level").is_null()) spec.level = json_whole<int>(json.at("level"));
  spec.mpp = optional_double(json, "mpp");
  return spec;
}

nlohmann::json plan_to_json(const patch::PatchPlan& plan) {
  const patch::PatchGeometry& g = plan.geometry;
  return {{"lamella", LAMELLA_VERSION},
          {"format", kPlanFormat},
          {"classes", plan.classes.names},
          {"slide_id", plan.slide_id},
          {"slide_path", plan.slide_path},
          {"slide_fingerprint", plan.slide_fingerprint},
          {"spec", spec_to_json(plan.spec)},
          {"geometry",
           {{"size_px", g.size_px},
            {"level", g.level},
            {"extent_px", {g.extent_x_px, g.extent_y_px}},
            {"level_extent_px", {g.level_extent_x_px, g.level_extent_y_px}},
            {"effective_mpp", json_or_null(g.effective_mpp)},
            {"slide_size_px", {g.slide_size_px.width, g.slide_size_px.height}}}},
          {"mpp", json_or_null(plan.mpp)},
          {"mpp_source", plan.mpp_source},
          {"stride_px", json_or_null(plan.stride_px)},
          {"warnings", plan.warnings}};
}

void plan_from_json(const nlohmann::json& json, patch::PatchPlan* plan) {
  const int format = json.contains("format") ? json_whole<int>(json.at("format")) : 1;
  if (format < 1 || format > kPlanFormat) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("is a plan of format {}, this lamella reads up to {}; take the lamella "
                            "that wrote it ({}), or a newer one",
                            format, kPlanFormat, json_excerpt(json.value("lamella", "?"))));
  }
  // Format 1 had no classes; read_rows refuses its labels.
  if (format > 1) plan->classes.names = json.at("classes").get<std::vector<std::string>>();
  if (!plan->classes.empty()) plan->classes.validate();
  plan->slide_id = json.at("slide_id").get<std::string>();
  plan->slide_path = json.at("slide_path").get<std::string>();
  plan->slide_fingerprint = json.at("slide_fingerprint").get<std::string>();
  plan->spec = spec_from_json(json.at("spec"));
  const nlohmann::json& g = json.at("geometry");
  patch::PatchGeometry& geometry = plan->geometry;
  geometry.size_px = json_whole<int>(g.at("size_px"));
  geometry.level = json_whole<int>(g.at("level"));
  geometry.extent_x_px = g.at("extent_px").at(0).get<double>();
  geometry.extent_y_px = g.at("extent_px").at(1).get<double>();
  geometry.level_extent_x_px = g.at("level_extent_px").at(0).get<double>();
  geometry.level_extent_y_px = g.at("level_extent_px").at(1).get<double>();
  geometry.effective_mpp = optional_double(g, "effective_mpp");
  geometry.slide_size_px.width = json_whole<int64_t>(g.at("slide_size_px").at(0));
  geometry.slide_size_px.height = json_whole<int64_t>(g.at("slide_size_px").at(1));
  plan->mpp = optional_double(json, "mpp");
  plan->mpp_source = json.at("mpp_source").get<std::string>();
  plan->stride_px = optional_double(json, "stride_px");
  plan->warnings = json.at("warnings").get<std::vector<std::string>>();
}

}  // namespace lamella::storage
