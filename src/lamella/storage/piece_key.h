// SPDX-License-Identifier: Apache-2.0
// Keys of the pieces that are kept on disk: all that a piece depends on, and nothing else. A piece
// is found again where the key stored with it is the wanted one. What a record or a study file
// shows may change without a key changing; where the meaning of a piece changes, so must its key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/base/class_table.h"
#include "lamella/base/geometry.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/slide/on_damage.h"
#include "lamella/slide/slide_info.h"
#include "lamella/storage/storage.h"
#include "lamella/tissue/tissue.h"

namespace lamella::storage {

struct TissueKey {
  std::string slide;    // fingerprint
  std::string backend;  // what the slide is read with
  std::optional<Mpp> mpp;
  tissue::TissueOptions options;
  std::string mask = {};  // "none", or the SHA-256 of a given mask; "": it is made by the options
  slide::OnDamage on_damage = slide::OnDamage::kFail;
};

// Labelled centres of one slide, in their order.
struct CentresKey {
  int label = 0;
  std::string rows_sha256;
};
std::string centres_sha256(const std::vector<annotation::Centre>& centres);

struct PlanKey {
  std::string kind;  // "labelled" or "grid"
  std::string slide_id;
  TissueKey tissue;
  patch::PatchSpec spec;
  bool scaled = true;  // the training slides have an mpp
  // Of a labelled plan: lists, or a rule for annotations.
  ClassTable classes;
  std::vector<CentresKey> centres;
  std::optional<patch::AnnotationRule> rule;
  std::string annotations_sha256;
  std::optional<patch::GridOptions> grid;  // of a grid
};

struct FeaturesKey {
  std::string plan;  // the text of its key, or a hash
  std::string encoder;
  std::string precision;
  std::string engine;
  FeatureType type = FeatureType::kFloat32;
  slide::OnDamage on_damage = slide::OnDamage::kFail;
};

struct ScoresKey {
  std::string features;  // the text of their key
  std::string model_sha256;
};

struct HeatmapKey {
  ScoresKey scores;
  heatmap::OverlayOptions overlay;  // but for title and outlines
  int thumbnail_px = 0;             // of the picture under it
  std::string annotations_sha256;   // of the outlines
};

// One line of ASCII JSON, lamella's version with it.
std::string key_text(const TissueKey& key);
std::string key_text(const PlanKey& key);
std::string key_text(const FeaturesKey& key);
std::string key_text(const ScoresKey& key);
std::string key_text(const HeatmapKey& key);

// In which parts the key that was found is another than the wanted one, in users' words: "the
// annotations", "patches.size_px 112 -> 224". Empty if they are equal. A key that says nothing of
// its parts is an earlier lamella's.
std::vector<std::string> changes(const std::string& found, const std::string& wanted);

}  // namespace lamella::storage
