// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/encode_file.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"
#include "lamella/storage/changes.h"
#include "lamella/storage/feature_spool.h"

namespace lamella::verbs {

namespace {

void require_unchanged(const slide::Slide& slide, storage::FeatureSpool& spool) {
  try {
    slide.require_unchanged();
  } catch (const Error&) {
    spool.discard();
    throw;
  }
}

}  // namespace

EncodedFile encode_to_file(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                           encoder::Encoder& encoder, const EncodeFileOptions& options,
                           const std::string& path, const Context& context) {
  const auto rows = static_cast<int64_t>(plan.rows.size());
  storage::FeatureSpool spool(path, options.spool_key, rows, encoder.info().dimension);
  EncodedFile result;
  result.resumed = spool.rows_done();
  result.patches = rows - result.resumed;
  if (result.resumed > 0) {
    context.note(fmt::format("encode {}: goes on, {} of {} patches are done", plan.slide_id,
                             result.resumed, rows));
  }
  const std::vector<uint8_t> done = spool.done();
  try {
    const auto take = [&](std::span<const uint32_t> numbers, std::span<const float> values) {
      spool.add(numbers, values);
    };
    result.seconds = encoder::stream_features(slide, plan, encoder, done, take, context).seconds;
  } catch (const Error&) {
    require_unchanged(*slide, spool);  // which then is the cause
    try {
      spool.flush();
    } catch (const Error&) {
      // The first error tells what went wrong.
    }
    throw;
  }
  require_unchanged(*slide, spool);
  spool.finish(plan,
               {encoder::feature_space(encoder.info(), plan),
                std::string(encoder::to_string(encoder.precision())), options.type},
               options.key);
  return result;
}

std::string encoding_key(const std::string& plan_path, const slide::SlideInfo& slide,
                         const encoder::EncoderInfo& encoder, encoder::Precision precision) {
  return storage::piece_key({{"plan", io::file_sha256(plan_path)},
                             {"slide", slide.fingerprint},
                             {"backend", slide.backend},
                             {"encoder", encoder::network_space(encoder)},
                             {"precision", std::string(encoder::to_string(precision))},
                             {"engine", encoder::inference_engine_version()}});
}

}  // namespace lamella::verbs
