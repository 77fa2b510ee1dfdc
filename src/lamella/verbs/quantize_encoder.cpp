// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/quantize_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "lamella/base/json_text.h"
#include "lamella/base/random.h"
#include "lamella/classifier/linear_model.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/io/files.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/check_plan.h"
#include "lamella/verbs/compare_int8.h"
#include "lamella/verbs/work_folder_internal.h"

namespace lamella::verbs {

namespace {

constexpr int64_t kLeastOfEachLabel = 20;  // in each half, for an AUC
constexpr double kLambda = 1;

// Of each plan: its drawn rows, a plan of their own.
struct Sample {
  std::vector<patch::PatchPlan> plans;
  int64_t count = 0;
  std::vector<int8_t> labels() const {
    std::vector<int8_t> labels;
    for (const auto& plan : plans) {
      for (const patch::PatchRow& row : plan.rows) labels.push_back(row.label);
    }
    return labels;
  }
};

struct Samples {
  Sample calibration, held_out;
};

Samples draw(const QuantizeOptions& options, const std::vector<patch::PatchPlan>& plans) {
  std::vector<std::pair<size_t, size_t>> rows;
  for (size_t i = 0; i < plans.size(); ++i) {
    for (size_t row = 0; row < plans[i].rows.size(); ++row) rows.emplace_back(i, row);
  }
  const auto total = static_cast<int64_t>(rows.size());
  if (total < 2 * kLeastQuantizePatches) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} patches in the plans, expected at least {}: {} to calibrate "
                            "and {} others to judge by; give larger plans, or more",
                            total, 2 * kLeastQuantizePatches, kLeastQuantizePatches,
                            kLeastQuantizePatches));
  }
  Random random(options.seed);
  random.shuffle(std::span(rows));
  const int64_t calibrating = std::min(options.calibration_patches, total / 2);
  const int64_t judging = std::min(options.held_out_patches, total - calibrating);
  const auto pick = [&](int64_t first, int64_t count) {
    Sample sample;
    sample.count = count;
    for (const patch::PatchPlan& plan : plans) {
      sample.plans.push_back(plan);
      sample.plans.back().rows.clear();
    }
    for (int64_t i = first; i < first + count; ++i) {
      const auto [plan, row] = rows[static_cast<size_t>(i)];
      sample.plans[plan].rows.push_back(plans[plan].rows[row]);
    }
    std::erase_if(sample.plans, [](const patch::PatchPlan& plan) { return plan.rows.empty(); });
    return sample;
  };
  return {pick(0, calibrating), pick(calibrating, judging)};
}

std::shared_ptr<const slide::Slide> open_slide_of(const patch::PatchPlan& plan) {
  auto slide = slide::open_slide(plan.slide_path);
  require_same_slide(plan, slide->info());
  return slide;
}

void write_pictures(const Sample& sample, const encoder::EncoderInfo& info, const std::string& path,
                    const Context& context) {
  std::ofstream file(path, std::ios::binary);
  patch::ExtractOptions options;
  options.output_px = info.input_px;
  options.views = info.views;
  for (const patch::PatchPlan& plan : sample.plans) {
    patch::PatchExtractor extractor(open_slide_of(plan), plan, options);
    patch::PatchBatch batch;
    while (extractor.next(batch, context)) {
      file.write(reinterpret_cast<const char*>(batch.pixels.data()),
                 static_cast<std::streamsize>(batch.pixels.size()));
    }
  }
  file.close();
  if (!file) throw Error(ErrorCode::kIo, "cannot be written: is the disk full?", path);
}

struct Encoded {
  feature::FeatureMatrix features;
  double seconds = 0;
};

Encoded encode(const Sample& sample, const encoder::EncoderInfo& info, encoder::Precision precision,
               const Context& context) {
  const auto encoder = encoder::load_encoder(info, precision, context.threads);
  std::vector<feature::FeatureMatrix> parts;
  Encoded encoded;
  for (const patch::PatchPlan& plan : sample.plans) {
    auto result = encoder::encode_patches(open_slide_of(plan), plan, *encoder, context);
    parts.push_back(std::move(result.features));
    parts.back().feature_space = "quantize";  // scales may differ from slide to slide
    encoded.seconds += result.seconds;
  }
  std::string ignored;
  encoded.features = feature::concatenate(parts, &ignored);
  return encoded;
}

// Rows of every second labelled patch, beginning with the `first`.
struct Half {
  feature::FeatureMatrix features;
  std::vector<int8_t> labels;

  bool has_all(const ClassTable& classes) const {
    for (int label = 0; label < classes.count(); ++label) {
      if (std::count(labels.begin(), labels.end(), label) < kLeastOfEachLabel) return false;
    }
    return !classes.empty();
  }
};

Half half_of(const feature::FeatureMatrix& features, const std::vector<int8_t>& labels, int first) {
  Half half;
  half.features.columns = features.columns;
  half.features.feature_space = features.feature_space;
  int turn = 0;
  for (int64_t i = 0; i < features.rows; ++i) {
    const int8_t label = labels[static_cast<size_t>(i)];
    if (label == patch::kNoLabel || turn++ % 2 != first) continue;
    half.labels.push_back(label);
    half.features.values.insert(half.features.values.end(), features.row(i).begin(),
                                features.row(i).end());
    ++half.features.rows;
  }
  return half;
}

// Of the plans that have labels; empty where they have not the same.
ClassTable classes_of(const std::vector<patch::PatchPlan>& plans) {
  ClassTable classes;
  for (const patch::PatchPlan& plan : plans) {
    if (plan.classes.empty()) continue;
    if (!classes.empty() && plan.classes != classes) return {};
    classes = plan.classes;
  }
  return classes;
}

// Of more than two classes the macro AUC.
std::optional<double> auc_of(const feature::FeatureMatrix& features,
                             const std::vector<int8_t>& labels, const ClassTable& classes,
                             const Context& context) {
  const Half halves[2] = {half_of(features, labels, 0), half_of(features, labels, 1)};
  if (!halves[0].has_all(classes) || !halves[1].has_all(classes)) return std::nullopt;
  classifier::TrainOptions options;
  options.lambda = kLambda;
  double sum = 0;
  for (int train = 0; train < 2; ++train) {
    const auto trained = classifier::train_classifier(
        {halves[train].features, halves[train].labels, {}, classes}, options, context);
    const Half& test = halves[1 - train];
    const auto scores = classifier::score_patches(test.features, trained.model);
    sum += evaluation::evaluate_classes(scores, test.labels).macro_auc.value();
  }
  return sum / 2;
}

void require_small_loss(const QuantizeOptions& options, const QuantizeResult& result,
                        const std::string& folder) {
  if (options.accept_any_loss) return;
  const double cosine_loss = 1 - result.cosine_mean;
  const double auc_loss = result.auc_f32 ? *result.auc_f32 - *result.auc_int8 : 0;
  if (cosine_loss <= options.max_cosine_loss && auc_loss <= options.max_auc_loss) return;
  throw Error(
      ErrorCode::kMismatch,
      fmt::format("found an int8 network that loses too much: mean cosine {:.4f} (loss {:.4f}, at "
                  "most {}){}; nothing was written. Calibrate on more patches, or accept the loss "
                  "by `accept_any_loss`",
                  result.cosine_mean, cosine_loss, options.max_cosine_loss,
                  result.auc_f32 ? fmt::format(", AUC {:.4f} for {:.4f} (loss {:.4f}, at most {})",
                                               *result.auc_int8, *result.auc_f32, auc_loss,
                                               options.max_auc_loss)
                                 : std::string()),
      folder);
}

encoder::EncoderInfo int8_info(const encoder::EncoderInfo& from, const QuantizeOptions& options) {
  encoder::EncoderInfo info = from;
  info.name = options.name.empty() ? from.name + "-int8" : options.name;
  info.source =
      fmt::format("{}; int8 of '{}' (sha256 {:.12})", from.source, from.name, from.sha256);
  info.int8 = true;
  info.made_from = encoder::Origin{from.name, from.sha256};
  return info;
}

}  // namespace

void QuantizeOptions::validate() const {
  table().check(*this);
  if (plans.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "`plans`: found none, expected at least one file");
  }
}

QuantizeResult quantize_encoder(const QuantizeOptions& options, const MakeInt8& make_int8,
                                const Context& context) {
  options.validate();
  const encoder::EncoderInfo from = encoder::find_encoder(options.encoder);
  if (from.int8) {
    throw Error(ErrorCode::kInvalidArgument, "is int8 already; expected one with float weights",
                from.folder);
  }
  if (io::exists(options.out)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the folder exists; choose another one, or remove it first", options.out);
  }
  std::vector<patch::PatchPlan> plans;
  for (const std::string& path : options.plans) plans.push_back(storage::read_plan(path));
  const Samples samples = draw(options, plans);

  const WorkFolder work(options.out);
  write_pictures(samples.calibration, from, work.file("pictures"), context);
  context.report("quantize", 0, 1, "networks");
  make_int8(from.folder, work.file("pictures"), work.file("int8.onnx"));
  context.report("quantize", 1, 1, "networks");
  const std::string network = io::read_text_file(work.file("int8.onnx"), int64_t{2} << 30);
  encoder::EncoderInfo info = int8_info(from, options);
  const encoder::EncoderInfo trial = encoder::write_encoder(info, network, work.file("trial"));

  QuantizeResult result;
  result.calibration_patches = samples.calibration.count;
  result.held_out_patches = samples.held_out.count;
  const Encoded exact = encode(samples.held_out, from, encoder::Precision::kF32, context);
  const Encoded close = encode(samples.held_out, trial, encoder::Precision::kInt8, context);
  result.cosine_mean = mean_cosine(close.features, exact.features);
  result.cosine_least =
      encoder::least_cosine(close.features.values, exact.features.values, exact.features.columns);
  result.speedup = exact.seconds / close.seconds;
  const std::vector<int8_t> labels = samples.held_out.labels();
  const ClassTable classes = classes_of(plans);
  result.auc_f32 = auc_of(exact.features, labels, classes, context);
  if (result.auc_f32) result.auc_int8 = auc_of(close.features, labels, classes, context);
  require_small_loss(options, result, options.out);

  info.quality = {{"calibration_patches", static_cast<double>(result.calibration_patches)},
                  {"held_out_patches", static_cast<double>(result.held_out_patches)},
                  {"cosine_mean", result.cosine_mean},
                  {"cosine_least", result.cosine_least},
                  {"max_cosine_loss", options.max_cosine_loss}};
  if (result.auc_f32) info.quality["auc_f32"] = *result.auc_f32;
  if (result.auc_int8) info.quality["auc_int8"] = *result.auc_int8;
  result.info = encoder::write_encoder(info, network, options.out);
  return result;
}

nlohmann::json to_json(const QuantizeResult& result) {
  return {{"name", result.info.name},
          {"path", result.info.folder},
          {"sha256", result.info.sha256},
          {"calibration_patches", result.calibration_patches},
          {"held_out_patches", result.held_out_patches},
          {"cosine_mean", result.cosine_mean},
          {"cosine_least", result.cosine_least},
          {"auc_f32", json_or_null(result.auc_f32)},
          {"auc_int8", json_or_null(result.auc_int8)},
          {"speedup", result.speedup}};
}

}  // namespace lamella::verbs
