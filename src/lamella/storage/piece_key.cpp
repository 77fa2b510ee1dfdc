// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/piece_key.h"

#include <nlohmann/json.hpp>

#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"

namespace lamella::storage {

namespace {

using Json = nlohmann::json;

// What was made without leaving anything out keeps its key.
void note_skipping(slide::OnDamage on_damage, Json& json) {
  if (on_damage == slide::OnDamage::kSkip) json["on_damage"] = "skip";
}

Json json_of(const TissueKey& key) {
  const tissue::TissueOptions& options = key.options;
  Json tissue = {{"mask", key.mask}};
  if (key.mask.empty()) {
    tissue = {{"method", std::string(tissue::kTissueMethod)},
              {"mask_mpp", options.mask_mpp},
              {"mask_max_px", options.mask_max_px},
              {"min_area_um2", options.min_area_um2},
              {"max_hole_um2", options.max_hole_um2},
              {"min_density", options.min_density},
              {"max_gap_um", options.max_gap_um},
              {"max_air_um", options.max_air_um}};
  }
  Json json = {{"slide", key.slide},
               {"backend", key.backend},
               {"mpp", key.mpp ? Json{key.mpp->x, key.mpp->y} : Json()},
               {"tissue", tissue}};
  if (key.mask.empty()) note_skipping(key.on_damage, json);
  return json;
}

Json json_of(const patch::AnnotationRule& rule) {
  Json classes = Json::array();
  for (size_t k = 0; k < rule.rules.size(); ++k) {
    const patch::ClassRule& one = rule.rules[k];
    classes.push_back({{"name", rule.classes.names[k]},
                       {"annotations", one.annotations},
                       {"rest_of_tissue", one.rest_of_tissue},
                       {"wins_over", one.wins_over}});
  }
  return {{"classes", classes},
          {"rule",
           {{"min_coverage", rule.min_coverage},
            {"min_tissue", rule.min_tissue},
            {"max_per_slide", rule.max_per_slide},
            {"seed", rule.seed}}}};
}

Json labels_json(const PlanKey& key) {
  if (key.rule) {
    Json labels = json_of(*key.rule);
    labels["annotations"] = key.annotations_sha256;
    return labels;
  }
  Json centres = Json::array();
  for (const CentresKey& list : key.centres) {
    centres.push_back({{"label", list.label}, {"rows", list.rows_sha256}});
  }
  return {{"classes", key.classes.names}, {"centres", centres}};
}

Json json_of(const patch::GridOptions& grid) {
  Json json = {{"stride_px", json_or_null(grid.stride_px)}, {"min_tissue", grid.min_tissue}};
  if (const auto& region = grid.region_px) {
    json["region"] = {region->x, region->y, region->width, region->height};
  }
  return json;
}

Json json_of(const PlanKey& key) {
  Json json = json_of(key.tissue);
  json["kind"] = key.kind;
  json["slide_id"] = key.slide_id;
  json["spec"] = {{"size_px", key.spec.size_px}, {"scaled", key.scaled}};
  if (key.spec.level) json["spec"]["level"] = *key.spec.level;
  if (key.spec.mpp) json["spec"]["mpp"] = *key.spec.mpp;
  if (key.grid) {
    json["score"] = json_of(*key.grid);
  } else {
    json["labels"] = labels_json(key);
  }
  return json;
}

// The text of another key as JSON, so that changes() sees its parts; a hash as it is.
Json nested(const std::string& text) {
  Json json = parse_json_or_discard(text);
  return json.is_object() ? json : Json(text);
}

Json json_of(const FeaturesKey& key) {
  Json json = {{"plan", nested(key.plan)},
               {"encoder", key.encoder},
               {"precision", key.precision},
               {"engine", key.engine},
               {"stored as", to_string(key.type)}};
  note_skipping(key.on_damage, json);
  return json;
}

Json json_of(const ScoresKey& key) {
  return {{"features", nested(key.features)}, {"model", key.model_sha256}};
}

Json json_of(const HeatmapKey& key) {
  Json json = json_of(key.scores);
  json["heatmap"] = {{"colormap", key.overlay.colormap},
                     {"opacity", key.overlay.opacity},
                     {"class", key.overlay.shown_class},
                     {"thumbnail_px", key.thumbnail_px}};
  json["annotations"] = key.annotations_sha256;
  return json;
}

std::string text_of(const Json& inputs) {
  // Names need not be UTF-8.
  return Json{{"lamella", LAMELLA_VERSION}, {"inputs", inputs}}.dump(
      -1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

std::string centres_sha256(const std::vector<annotation::Centre>& centres) {
  Json rows = Json::array();
  for (const annotation::Centre& centre : centres) rows.push_back({centre.x_px, centre.y_px});
  return sha256_hex(rows.dump());
}

std::string key_text(const TissueKey& key) { return text_of(json_of(key)); }
std::string key_text(const PlanKey& key) { return text_of(json_of(key)); }
std::string key_text(const FeaturesKey& key) { return text_of(json_of(key)); }
std::string key_text(const ScoresKey& key) { return text_of(json_of(key)); }
std::string key_text(const HeatmapKey& key) { return text_of(json_of(key)); }

}  // namespace lamella::storage
