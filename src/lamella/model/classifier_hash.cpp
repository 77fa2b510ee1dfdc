// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/hash.h"
#include "lamella/model/model.h"

namespace lamella::model {

std::string classifier_sha256(const classifier::LinearModel& model) {
  const auto bytes = [](const std::vector<double>& values) {
    return std::as_bytes(std::span(values));
  };
  std::vector<double> rest = model.biases;
  rest.insert(rest.end(), {model.calibration.slope, model.calibration.intercept});
  Sha256 hash;
  hash.update(model.feature_space);
  hash.update(model.classes.text());
  hash.update(bytes(model.weights));
  hash.update(bytes(model.mean));
  hash.update(bytes(model.scale));
  hash.update(bytes(rest));
  return hash.hex();
}

}  // namespace lamella::model
