// SPDX-License-Identifier: Apache-2.0
// The pieces of a cohort that are kept on disk and found again by their keys.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/cohort/piece_context.h"
#include "lamella/model/model.h"
#include "lamella/record/run_document.h"
#include "lamella/storage/piece_key.h"
#include "lamella/verbs/encode.h"

namespace lamella::cohort {

struct PlanRequest {
  storage::PlanKey key;
  std::function<patch::PatchPlan(const tissue::TissueMask&)> make;
};
// The labelled rows of a train or test slide. `slide` and `pieces` must outlive the result.
PlanRequest labelled_request(const PieceContext& pieces, const CohortSlide& slide,
                             const Context& context);
// The whole tissue of a test or score slide.
PlanRequest grid_request(const PieceContext& pieces, const CohortSlide& slide,
                         const Context& context);

struct PlanPiece {
  patch::PatchPlan plan;
  std::string key;
};

// Read as they are needed.
struct FeaturesPiece {
  std::unique_ptr<storage::FeatureReader> features;
  std::string key;
};

struct FittedModel {
  model::Model model;
  std::string sha256;  // of its classifier
};

// What comes of a slide's grid.
struct ScoredGrid {
  std::optional<double> slide_score;   // none without patches
  std::optional<std::string> heatmap;  // path of the overlay PNG
};

// What making pieces, or finding them, came to.
struct PieceReport {
  std::vector<record::Remade> remade;
  record::Times seconds;  // by step
  int64_t patches = 0, patches_reused = 0, patches_resumed = 0, patches_left_out = 0;
  std::optional<tissue::CohortSlide> tissue;  // of a mask that was made here, now or earlier
};

// The pieces of one slide: each is taken from disk if it is there under the wanted key, else made
// and written. What is remade is said as a notice, and in the report.
class SlidePieces {
 public:
  // All must outlive it.
  SlidePieces(const PieceContext& pieces, const CohortSlide& slide, LazyEncoder& encoder,
              const Context& context);

  // The table's, or made once, whatever plans are made of it; with a picture of it for people.
  const tissue::TissueMask& tissue();
  PlanPiece plan(const PlanRequest& request);
  FeaturesPiece features(const PlanRequest& request);
  // Scores of the features, and the heat-map.
  ScoredGrid scored(const FeaturesPiece& features, const FittedModel& model);

  // Where a plan's features belong, and their key.
  std::string features_path(const PlanRequest& request) const;
  std::string features_key(const PlanRequest& request) const;
  const PieceReport& report() const { return report_; }

 private:
  verbs::EncodeFileOptions encode_options(std::string key) const;
  std::string file(const std::string& folder, const std::string& extension) const;
  bool found(const std::string& piece, const std::string& path, const std::string& key);
  void note_remade(const std::string& piece, std::vector<std::string> why);
  template <typename Read>
  auto read_found(const std::string& piece, const std::string& path, const std::string& key,
                  const Read& read) -> std::optional<decltype(read())>;
  tissue::TissueMask make_tissue(const std::string& path, const std::string& key);
  // Calls use(slide), for a mask or a picture of it.
  template <typename Use>
  auto overview(const Use& use) -> decltype(use(std::declval<const slide::Slide&>()));
  void find_look();
  void draw_tissue(const tissue::TissueMask& mask);
  void warn_of_plan(const patch::PatchPlan& plan) const;
  void draw(heatmap::HeatMap map, const std::string& png, const std::string& key);

  const PieceContext& pieces_;
  const CohortSlide& slide_;
  LazyEncoder& encoder_;
  const Context& context_;
  Pixels pixels_;
  std::optional<tissue::TissueMask> mask_;
  PieceReport report_;
};

}  // namespace lamella::cohort
