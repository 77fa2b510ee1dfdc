// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/patch/left_out.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/verbs/check_plan.h"

namespace lamella::verbs {

namespace {

// Where features go to as they are made.
class Sink {
 public:
  virtual ~Sink() = default;
  // By row: it is there already. Empty: none is.
  virtual std::vector<uint8_t> done() const { return {}; }
  virtual void add(std::span<const uint32_t> rows, std::span<const float> values) = 0;
  // After an error: what has come so far is kept, or is worth nothing.
  virtual void keep() {}
  virtual void discard() {}
};

class MatrixSink final : public Sink {
 public:
  explicit MatrixSink(feature::FeatureMatrix& features) : features_(features) {}
  void add(std::span<const uint32_t> rows, std::span<const float> values) override {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(values.begin() + static_cast<ptrdiff_t>(i) * features_.columns, features_.columns,
                  features_.row(rows[i]).begin());
    }
  }

 private:
  feature::FeatureMatrix& features_;
};

class SpoolSink final : public Sink {
 public:
  explicit SpoolSink(storage::FeatureSpool& spool) : spool_(spool) {}
  std::vector<uint8_t> done() const override { return spool_.done(); }
  void add(std::span<const uint32_t> rows, std::span<const float> values) override {
    spool_.add(rows, values);
  }
  void keep() override {
    try {
      spool_.flush();
    } catch (const Error&) {
      // The first error tells what went wrong.
    }
  }
  void discard() override { spool_.discard(); }

 private:
  storage::FeatureSpool& spool_;
};

void require_unchanged(const slide::Slide& slide, Sink& sink) {
  try {
    slide.require_unchanged();
  } catch (const Error&) {
    sink.discard();
    throw;
  }
}

encoder::StreamResult encode_into(Sink& sink, const std::shared_ptr<const slide::Slide>& slide,
                                  const patch::PatchPlan& plan, encoder::Encoder& encoder,
                                  slide::OnDamage on_damage, const Context& context) {
  const std::vector<uint8_t> done = sink.done();
  const auto take = [&](std::span<const uint32_t> rows, std::span<const float> values) {
    sink.add(rows, values);
  };
  encoder::StreamResult result;
  try {
    result = encoder::stream_features(slide, plan, encoder, {done, on_damage}, take, context);
  } catch (const Error&) {
    require_unchanged(*slide, sink);  // which then is the cause
    sink.keep();
    throw;
  }
  require_unchanged(*slide, sink);
  if (!result.failures.empty()) {
    context.warn(
        fmt::format("slide '{}': {}", plan.slide_id, patch::left_out_text(plan, result.failures)));
  }
  return result;
}

// The plan with what the int8 encoder's features of this slide are to be warned about.
patch::PatchPlan compared(const std::shared_ptr<const slide::Slide>& slide, patch::PatchPlan plan,
                          encoder::Encoder& encoder, int64_t patches, const Context& context) {
  const std::string warning = compare_int8(slide, plan, encoder, patches, context);
  if (warning.empty()) return plan;
  context.warn(fmt::format("slide '{}': {}", plan.slide_id, warning));
  plan.warnings.push_back(warning);
  return plan;
}

// Rows that have no features are no rows.
void leave_out(const std::vector<slide::RegionFailure>& failures, storage::FeatureFile& file) {
  if (failures.empty()) return;
  file.plan = patch::without_left_out(std::move(file.plan), failures);
  feature::FeatureMatrix& features = file.features;
  auto failure = failures.begin();  // by row
  int64_t kept = 0;
  for (int64_t row = 0; row < features.rows; ++row) {
    if (failure != failures.end() && static_cast<int64_t>(failure->region) == row) {
      ++failure;
      continue;
    }
    std::ranges::copy(std::as_const(features).row(row), features.row(kept++).begin());
  }
  features.rows = kept;
  features.values.resize(static_cast<size_t>(kept * features.columns));
}

}  // namespace

storage::FeatureFile encode_slide(std::shared_ptr<const slide::Slide> slide,
                                  const patch::PatchPlan& plan, encoder::Encoder& encoder,
                                  const EncodeHow& how, const Context& context) {
  require_same_slide(plan, slide->info());
  storage::FeatureFile file;
  file.plan = compared(slide, plan, encoder, how.int8_check, context);
  feature::FeatureMatrix& features = file.features;
  features.rows = static_cast<int64_t>(plan.rows.size());
  features.columns = encoder.info().dimension;
  features.values.resize(
      static_cast<size_t>(checked_mul(features.rows, features.columns, "features")));
  features.feature_space = encoder::feature_space(encoder.info(), plan);
  features.precision = encoder::to_string(encoder.precision());
  MatrixSink sink(features);
  leave_out(encode_into(sink, slide, plan, encoder, how.on_damage, context).failures, file);
  return file;
}

EncodedFile encode_file(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                        encoder::Encoder& encoder, const EncodeFileOptions& options,
                        const std::string& path, const Context& context) {
  require_same_slide(plan, slide->info());
  const auto rows = static_cast<int64_t>(plan.rows.size());
  std::string key = options.key;
  if (key.empty()) {
    key = key_text(features_key(sha256_hex(storage::plan_to_bytes(plan, slide->info().backend)),
                                encoder.info(), encoder.precision(), options));
  }
  storage::FeatureSpool spool(path, key, rows, encoder.info().dimension);
  EncodedFile result;
  result.resumed = spool.rows_done();
  if (result.resumed > 0) {
    context.note(fmt::format("encode {}: goes on, {} of {} patches are done", plan.slide_id,
                             result.resumed, rows));
  }
  SpoolSink sink(spool);
  const encoder::StreamResult made =
      encode_into(sink, slide, plan, encoder, options.how.on_damage, context);
  result.seconds = made.seconds;
  result.left_out = static_cast<int64_t>(made.failures.size());
  result.patches = rows - result.resumed - result.left_out;
  spool.flush();  // so that nothing is lost by what follows
  spool.finish(compared(slide, plan, encoder, options.how.int8_check, context),
               {encoder::feature_space(encoder.info(), plan),
                std::string(encoder::to_string(encoder.precision())), options.type},
               options.key, made.failures);
  return result;
}

storage::FeaturesKey features_key(const std::string& plan, const encoder::EncoderInfo& encoder,
                                  encoder::Precision precision, const EncodeFileOptions& options) {
  return {plan,
          encoder::network_space(encoder),
          std::string(encoder::to_string(precision)),
          encoder::inference_engine_version(),
          options.type,
          options.how.on_damage};
}

}  // namespace lamella::verbs
