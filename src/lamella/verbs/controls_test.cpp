// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/controls.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/base/random.h"

namespace lamella::verbs {
namespace {

TEST(Controls, ColourIsMeanAndDeviation) {
  const std::vector<uint8_t> patch = {0, 10, 255, 200, 10, 255};  // two pixels
  std::array<float, kColourColumns> out{};
  colour_features(patch, out);
  EXPECT_EQ(out, (std::array<float, kColourColumns>{100, 100, 10, 0, 255, 0}));
}

std::vector<float> network_of(uint64_t seed, uint8_t value) {
  const RandomNetwork network(seed);
  const std::vector<uint8_t> patch(RandomNetwork::kSidePx * RandomNetwork::kSidePx * 3, value);
  std::vector<float> out(RandomNetwork::kColumns);
  network.run(patch, out);
  return out;
}

TEST(Controls, ARandomNetworkIsTheOneOfItsSeed) {
  EXPECT_EQ(network_of(1, 200), network_of(1, 200));
  EXPECT_NE(network_of(1, 200), network_of(2, 200));
  EXPECT_NE(network_of(1, 200), network_of(1, 10));
  // Of a patch of one colour each place is like the next: mean and maximum are one.
  const std::vector<float> flat = network_of(1, 30);
  float most = 0;
  for (size_t f = 0; f < 64; ++f) {
    EXPECT_GE(flat[f], 0);
    EXPECT_NEAR(flat[f], flat[64 + f], 1e-4 * (1 + flat[64 + f]));
    most = std::max(most, flat[f]);
  }
  EXPECT_GT(most, 0);
}

// A slide of 40 rows: those of class 1 lie on the right half; the feature tells the class.
storage::FeatureFile file_of(const std::string& slide_id, bool by_place) {
  storage::FeatureFile file;
  file.plan.slide_id = slide_id;
  file.plan.spec = {.size_px = 10, .level = 0};
  file.plan.classes.names = {"normal", "tumor"};
  file.plan.geometry = {.size_px = 10,
                        .extent_x_px = 10,
                        .extent_y_px = 10,
                        .level_extent_x_px = 10,
                        .level_extent_y_px = 10,
                        .effective_mpp = {},
                        .slide_size_px = {400, 20}};
  file.features.rows = 40;
  file.features.columns = 2;
  file.features.feature_space = "net/1";
  Random random(derive_seed(7, slide_id));
  for (int i = 0; i < 40; ++i) {
    const int label = by_place ? i / 20 : i % 2;
    file.plan.rows.push_back(
        {.x_px = i * 10, .y_px = 0, .tissue_fraction = 1, .label = static_cast<int8_t>(label)});
    file.features.values.push_back(static_cast<float>(label + 0.3 * random.normal()));
    file.features.values.push_back(static_cast<float>(random.normal()));
  }
  return file;
}

std::map<std::string, evaluation::ClassMetrics> figures_of(const ControlOptions& options,
                                                           bool by_place) {
  const storage::FeatureFile a = file_of("a", by_place), b = file_of("b", by_place);
  const std::vector<ControlSlide> slides = {{"p", true, &a}, {"q", false, &b}};
  classifier::TrainOptions train;
  train.lambda = 0.01;
  return run_controls({slides, options, train, {}}, {});
}

TEST(Controls, PositionTellsWhatPositionDecides) {
  ControlOptions options;
  options.position_only = true;
  EXPECT_GT(*figures_of(options, true).at(kPositionOnly).last().auc, 0.99);
  EXPECT_NEAR(*figures_of(options, false).at(kPositionOnly).last().auc, 0.5, 0.1);
}

TEST(Controls, ShuffledLabelsTeachNothing) {
  ControlOptions options;
  options.shuffled_labels = true;
  double sum = 0;
  for (options.seed = 1; options.seed <= 20; ++options.seed) {
    sum += *figures_of(options, true).at(kShuffledLabels).last().auc;
  }
  EXPECT_NEAR(sum / 20, 0.5, 0.25);
  options.seed = 1;
  EXPECT_EQ(figures_of(options, true).at(kShuffledLabels).last().auc,
            figures_of(options, true).at(kShuffledLabels).last().auc);
}

TEST(Controls, NeedsSlidesToTrainAndToTestOn) {
  const storage::FeatureFile a = file_of("a", true);
  const std::vector<ControlSlide> slides = {{"p", true, &a}};
  ControlOptions options;
  options.position_only = true;
  const classifier::TrainOptions train;
  EXPECT_THROW(run_controls({slides, options, train, {}}, {}), Error);
}

}  // namespace
}  // namespace lamella::verbs
