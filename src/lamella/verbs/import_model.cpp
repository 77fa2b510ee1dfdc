// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/import_model.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"

namespace lamella::verbs {

model::Model import_model(const std::string& folder) {
  const std::string path = folder + "/head.json";
  model::Model model;
  model.encoder = encoder::read_encoder_info(folder + "/encoder");
  model.precision = encoder::Precision::kF32;  // its probabilities are to be the other program's
  try {
    const nlohmann::json head = parse_json(io::read_text_file(path));
    classifier::LinearModel& linear = model.classifier;
    linear.classes.names = head.at("classes").get<std::vector<std::string>>();
    linear.biases = head.at("biases").get<std::vector<double>>();
    for (const nlohmann::json& vector : head.at("weights")) {
      const auto one = vector.get<std::vector<double>>();
      if (one.size() != static_cast<size_t>(model.encoder.dimension)) {
        throw Error(
            ErrorCode::kCorrupt,
            fmt::format("found {} weights for {} features", one.size(), model.encoder.dimension),
            path);
      }
      linear.weights.insert(linear.weights.end(), one.begin(), one.end());
    }
    linear.mean.assign(static_cast<size_t>(model.encoder.dimension), 0);
    linear.scale.assign(static_cast<size_t>(model.encoder.dimension), 1);
    model.spec = {.size_px = json_whole<int>(head.at("size_px")),
                  .mpp = head.at("mpp").get<double>()};
    model.effective_mpp = model.spec.mpp;
    model.name = head.at("name").get<std::string>();
    linear.feature_space = fmt::format("{}/{}px@{:.4f}mpp", encoder::network_space(model.encoder),
                                       model.spec.size_px, *model.spec.mpp);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kCorrupt, fmt::format("is no description of a layer ({})", error.what()),
                path);
  }
  model.spec.validate();
  model.classifier.validate();
  return model;
}

}  // namespace lamella::verbs
