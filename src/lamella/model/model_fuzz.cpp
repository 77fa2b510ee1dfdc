// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any text as model.json; after a NUL byte, as the encoder.json inside; and as a table
// of scores. Only lamella::Error may come out. The network is an empty file: it is hashed, not run.
#include <cmath>
#include <cstdlib>

#include "lamella/base/error.h"
#include "lamella/model/model.h"
#include "lamella/storage/storage.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::model {
namespace {

constexpr std::string_view kEncoder =
    R"({"name": "e", "source": "s", "licence": "l",
 "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
 "input_px": 224, "colour_order": "rgb", "mean": [0, 0, 0], "std": [1, 1, 1], "outputs": ["o"],
 "weights": "w", "dimension": 3})";

void require(bool good) {
  if (!good) std::abort();
}

void read_folder(const test::TemporaryFolder& folder, std::string_view text) {
  const size_t end = text.find('\0');
  folder.put("model/model.json", text.substr(0, end));
  folder.put("model/encoder/encoder.json",
             end == std::string_view::npos ? kEncoder : text.substr(end + 1));
  try {
    const Model model = read_model(folder.file("model"));
    require(!model.classifier.weights.empty() && std::isfinite(model.classifier.biases.at(0)));
    require(model.spec.size_px > 0 && model.encoder.dimension > 0);
  } catch (const Error&) {
  }
  try {
    encoder::read_encoder_info(folder.file("model/encoder"));
  } catch (const Error&) {
  }
  try {
    const heatmap::ScoredPatches patches = storage::read_scores(folder.put("scores.csv", text));
    for (const float score : patches.scores.values) require(score >= 0 && score <= 1);
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace lamella::model

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const lamella::test::TemporaryFolder folder(
      lamella::test::TemporaryFolder::Place::kMemory);
  static const std::string network = folder.put("model/encoder/network.onnx", "");
  lamella::model::read_folder(folder, {reinterpret_cast<const char*>(data), size});
  return 0;
}
