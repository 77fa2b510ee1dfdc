// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/compare_int8.h"

#include <fmt/format.h>

#include <algorithm>

namespace lamella::verbs {

namespace {

constexpr double kUsualLoss = 0.02;  // of encoders that do not say what was allowed

// Rows that are left out by one are left out by the other, too.
feature::FeatureMatrix features_of(const std::shared_ptr<const slide::Slide>& slide,
                                   const patch::PatchPlan& plan, encoder::Encoder& encoder,
                                   const Context& context) {
  std::vector<std::vector<float>> rows(plan.rows.size());
  feature::FeatureMatrix features;
  features.columns = encoder.info().dimension;
  const auto width = static_cast<size_t>(features.columns);
  const auto take = [&](std::span<const uint32_t> numbers, std::span<const float> values) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      const auto row = values.subspan(i * width, width);
      rows[numbers[i]].assign(row.begin(), row.end());
    }
  };
  Context quiet;  // its progress would be taken for the slide's
  quiet.threads = context.threads;
  quiet.cancel = context.cancel;
  encoder::stream_features(slide, plan, encoder, {.on_damage = slide::OnDamage::kSkip}, take,
                           quiet);
  for (const std::vector<float>& row : rows) {
    features.rows += !row.empty();
    features.values.insert(features.values.end(), row.begin(), row.end());
  }
  return features;
}

patch::PatchPlan sample_of(const patch::PatchPlan& plan, int64_t most) {
  patch::PatchPlan sample = plan;
  sample.rows.clear();
  const auto all = static_cast<int64_t>(plan.rows.size());
  const int64_t count = std::min(most, all);
  for (int64_t i = 0; i < count; ++i) {
    sample.rows.push_back(plan.rows[static_cast<size_t>(i * all / count)]);
  }
  return sample;
}

}  // namespace

double mean_cosine(const feature::FeatureMatrix& a, const feature::FeatureMatrix& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.rows; ++i) sum += encoder::least_cosine(a.row(i), b.row(i), a.columns);
  return sum / static_cast<double>(a.rows);
}

std::string compare_int8(const std::shared_ptr<const slide::Slide>& slide,
                         const patch::PatchPlan& plan, encoder::Encoder& encoder, int64_t patches,
                         const Context& context) {
  const encoder::EncoderInfo& info = encoder.info();
  if (!info.int8 || patches == 0 || plan.rows.empty()) return "";
  encoder::Encoder* reference = encoder.reference();
  if (reference == nullptr) {
    context.warn(fmt::format(
        "the int8 encoder '{}' is not compared with f32 on these slides, as {}", info.name,
        info.made_from ? fmt::format("'{}' (sha256 {:.12}), of which it was made, is not among the "
                                     "encoders",
                                     info.made_from->name, info.made_from->sha256)
                       : "it does not say of which it was made; quantize it again"));
    return "";
  }
  const patch::PatchPlan sample = sample_of(plan, patches);
  const feature::FeatureMatrix close = features_of(slide, sample, encoder, context);
  const feature::FeatureMatrix exact = features_of(slide, sample, *reference, context);
  if (close.rows == 0) return "";
  const double cosine = mean_cosine(close, exact);
  const auto allowed = info.quality.find("max_cosine_loss");
  const double gate = 1 - (allowed == info.quality.end() ? kUsualLoss : allowed->second);
  const std::string found = fmt::format(
      "the int8 features of {} patches have a mean cosine of {:.4f} to those of '{}' in f32",
      close.rows, cosine, info.made_from->name);
  if (cosine >= gate) {
    context.note(fmt::format("slide '{}': {}", plan.slide_id, found));
    return "";
  }
  const auto measured = info.quality.find("cosine_mean");
  return fmt::format(
      "{}, expected at least {:.4g}{}; quantize it with such slides, too, or use '{}'", found, gate,
      measured == info.quality.end()
          ? std::string()
          : fmt::format(" (on the slides it was quantized with: {:.4f})", measured->second),
      info.made_from->name);
}

}  // namespace lamella::verbs
