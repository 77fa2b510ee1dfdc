// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/export_model.h"

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/model/onnx_export.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/score_slide.h"
#include "lamella/verbs/work_folder_internal.h"

namespace lamella::verbs {

namespace {

void thin_out(patch::PatchPlan& plan, int64_t most) {
  const auto rows = static_cast<int64_t>(plan.rows.size());
  if (rows <= most) return;
  std::vector<patch::PatchRow> kept;
  for (int64_t i = 0; i < most; ++i) {
    kept.push_back(plan.rows[static_cast<size_t>(i * rows / most)]);
  }
  plan.rows = std::move(kept);
}

// The exported network is one that takes pixels and gives a number for each class.
feature::FeatureMatrix run_exported(const model::Model& model, const ExportOptions& options,
                                    const patch::PatchPlan& plan, const Context& context) {
  const WorkFolder work(options.out);
  encoder::EncoderInfo info = model.encoder;
  info.input_px = model::exported_px(model);
  info.colour_order = "rgb";
  info.mean = {0, 0, 0};
  info.std = {1, 1, 1};
  info.outputs = {{"probability", encoder::Pooling::kNone}};
  info.dimension = model.classifier.classes.count();
  info.quality.clear();
  info = encoder::write_encoder(info, model::export_onnx(model), work.file("exported"));
  const auto precision = info.int8 ? encoder::Precision::kInt8 : encoder::Precision::kF32;
  const auto network = encoder::load_encoder(info, precision, context.threads);
  return encoder::encode_patches(options.slide, plan, *network, context).features;
}

ExportDifference measure(const model::Model& model, const ExportOptions& options,
                         const Context& context) {
  const slide::Slide& slide = *options.slide;
  const auto mask = tissue::make_tissue_mask(slide, {}, context);
  patch::PatchPlan plan = plan_for_model(slide, io::stem(slide.info().path), model,
                                         patch::GridOptions{}, mask, context);
  thin_out(plan, options.max_patches);
  if (plan.rows.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "has no tissue to measure the difference on; give another slide",
                slide.info().path);
  }
  const auto encoder = encoder::load_encoder(model.encoder, model.precision, context.threads);
  const auto features = encoder::encode_patches(options.slide, plan, *encoder, context).features;
  const feature::ScoreMatrix own = classifier::score_patches(features, model.classifier);
  const feature::FeatureMatrix exported = run_exported(model, options, plan, context);
  ExportDifference difference;
  difference.patches = own.rows();
  difference.precision = std::string(encoder::to_string(encoder->precision()));
  for (size_t i = 0; i < own.values.size(); ++i) {
    const double off = std::abs(double{own.values[i]} - double{exported.values[i]});
    difference.largest = std::max(difference.largest, off);
    difference.mean += off / static_cast<double>(own.values.size());
  }
  return difference;
}

}  // namespace

ExportedModel export_model(const model::Model& model, const ExportOptions& options,
                           const Context& context) {
  std::string bytes = model::export_onnx(model);
  ExportedModel result;
  if (options.slide) {
    result.difference = measure(model, options, context);
    model::add_onnx_metadata(bytes,
                             {{"precision", result.difference->precision},
                              {"difference_patches", std::to_string(result.difference->patches)},
                              {"difference_largest", format_double(result.difference->largest)},
                              {"difference_mean", format_double(result.difference->mean)}});
  }
  io::write_file_atomic(options.out, bytes);
  result.sha256 = sha256_hex(bytes);
  result.bytes = static_cast<int64_t>(bytes.size());
  result.patch_px = model::exported_px(model);
  return result;
}

nlohmann::json to_json(const ExportDifference& difference) {
  return {{"patches", difference.patches},
          {"largest", difference.largest},
          {"mean", difference.mean},
          {"precision", difference.precision}};
}

nlohmann::json to_json(const ExportedModel& made, const std::string& path) {
  return {{"path", path},
          {"patch_px", made.patch_px},
          {"bytes", made.bytes},
          {"sha256", made.sha256},
          {"input", "patches"},
          {"output", "probability"},
          {"difference", made.difference ? to_json(*made.difference) : nlohmann::json(nullptr)}};
}

}  // namespace lamella::verbs
