// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/verb_options.h"

#include "lamella/classifier/linear_model.h"
#include "lamella/encoder/import_options.h"
#include "lamella/storage/patch_files.h"
#include "lamella/verbs/convert.h"
#include "lamella/verbs/evaluate_lesions.h"
#include "lamella/verbs/extract.h"
#include "lamella/verbs/finetune_options.h"
#include "lamella/verbs/import_features.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/quantize_encoder.h"
#include "lamella/verbs/slide_map.h"

namespace lamella::verbs {

namespace {

OptionFacts tissue_facts() {
  return {.help = "where tissue is: auto (looked for), none (everywhere), or a mask PNG"};
}

}  // namespace

const OptionTable<EncodingOptions>& EncodingOptions::table() {
  static const auto kTable =
      OptionTable<EncodingOptions>()
          .choice("precision", &EncodingOptions::precision,
                  {.help = "numbers that the encoder runs in"}, encoder::precision_choices())
          .choice("features_dtype", &EncodingOptions::features_dtype,
                  {.help = "how features are stored"},
                  {{"float32", storage::FeatureType::kFloat32},
                   {"float16", storage::FeatureType::kFloat16}})
          .row(
              "int8_check", &EncodingOptions::int8_check,
              {.help = "patches of each slide on which an int8 encoder is compared with the one it "
                       "was made of; 0: none",
               .least = 0,
               .most = 100000});
  return kTable;
}

const OptionTable<EncodeOptions>& EncodeOptions::table() {
  static const auto kTable = OptionTable<EncodeOptions>()
                                 .include(&EncodeOptions::encoding, EncodingOptions::table())
                                 .include(&EncodeOptions::damage, slide::DamageOptions::table());
  return kTable;
}

const OptionTable<PlanSlideOptions>& PlanSlideOptions::table() {
  static const auto kTable = OptionTable<PlanSlideOptions>()
                                 .include(&PlanSlideOptions::spec, patch::PatchSpec::table())
                                 .include(&PlanSlideOptions::grid, patch::GridOptions::table())
                                 .include(&PlanSlideOptions::labels, patch::LabelOptions::table())
                                 .include(&PlanSlideOptions::rule, patch::AnnotationRule::table())
                                 .row("tissue", &PlanSlideOptions::tissue, tissue_facts())
                                 .include(&PlanSlideOptions::mask, tissue::TissueOptions::table())
                                 .include(&PlanSlideOptions::damage, slide::DamageOptions::table());
  return kTable;
}

const OptionTable<ScoreSlideOptions>& ScoreSlideOptions::table() {
  static const auto kTable =
      OptionTable<ScoreSlideOptions>()
          .include(&ScoreSlideOptions::grid, patch::GridOptions::table())
          .row("tissue", &ScoreSlideOptions::tissue, tissue_facts())
          .include(&ScoreSlideOptions::mask, tissue::TissueOptions::table())
          .include(&ScoreSlideOptions::damage, slide::DamageOptions::table());
  return kTable;
}

void ScoreSlideOptions::validate() const {
  grid.validate();
  mask.validate();
}

const OptionTable<ExtractFilesOptions>& ExtractFilesOptions::table() {
  static const auto kTable =
      OptionTable<ExtractFilesOptions>()
          .include(&ExtractFilesOptions::files, storage::PatchFilesOptions::table())
          .include(&ExtractFilesOptions::damage, slide::DamageOptions::table());
  return kTable;
}

const OptionTable<MapOptions>& MapOptions::table() {
  static const auto kTable = OptionTable<MapOptions>()
                                 .include(&MapOptions::overlay, heatmap::OverlayOptions::table())
                                 .row("thumbnail_px", &MapOptions::thumbnail_px,
                                      {.help = "longer side of the slide in the picture",
                                       .unit = "px",
                                       .least = 64,
                                       .most = 20000});
  return kTable;
}

const OptionTable<MapSlideOptions>& MapSlideOptions::table() {
  static const auto kTable = OptionTable<MapSlideOptions>()
                                 .include(&MapSlideOptions::map, MapOptions::table())
                                 .include(&MapSlideOptions::damage, slide::DamageOptions::table());
  return kTable;
}

const OptionTable<QuantizeOptions>& QuantizeOptions::table() {
  static const auto kTable =
      OptionTable<QuantizeOptions>()
          .row("calibration_patches", &QuantizeOptions::calibration_patches,
               {.help = "patches to calibrate on", .least = kLeastQuantizePatches})
          .row("held_out_patches", &QuantizeOptions::held_out_patches,
               {.help = "other patches, to judge by", .least = kLeastQuantizePatches})
          .row("max_cosine_loss", &QuantizeOptions::max_cosine_loss,
               {.help = "refuse if 1 - mean cosine to f32 is more", .least = 0, .most = 1})
          .row("max_auc_loss", &QuantizeOptions::max_auc_loss,
               {.help = "refuse if the AUC falls by more", .least = 0, .most = 1})
          .row("accept_any_loss", &QuantizeOptions::accept_any_loss,
               {.help = "write it whatever it loses"})
          .row("seed", &QuantizeOptions::seed, {.help = "seed of the drawing", .least = 0});
  return kTable;
}

const std::vector<VerbOptions>& verb_options() {
  static const std::vector<VerbOptions> kVerbs = {
      {"plan", &PlanSlideOptions::table().list()},
      {"extract", &ExtractFilesOptions::table().list()},
      {"encode", &EncodeOptions::table().list()},
      {"train", &classifier::TrainOptions::table().list()},
      {"finetune", &FinetuneOptions::table().list()},
      {"score", &ScoreSlideOptions::table().list()},
      {"map", &MapSlideOptions::table().list()},
      {"encoder import", &encoder::ImportOptions::table().list()},
      {"lesions detect", &lesion::DetectOptions::table().list()},
      {"lesions evaluate", &LesionOptions::table().list()},
      {"convert", &ConvertOptions::table().list()},
      {"features import", &ImportFeaturesOptions::table().list()},
      {"encoder quantize", &QuantizeOptions::table().list()}};
  return kVerbs;
}

}  // namespace lamella::verbs
