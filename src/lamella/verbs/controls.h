// SPDX-License-Identifier: Apache-2.0
// Controls: the same slides, split, training and figures, on what should not suffice. Where a
// control comes near the model, the model's figures say little of what it has learnt.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/classifier/linear_model.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"

namespace lamella::verbs {

inline constexpr const char* kShuffledLabels = "shuffled_labels";
inline constexpr const char* kRandomEncoder = "random_encoder";
inline constexpr const char* kColourOnly = "colour_only";
inline constexpr const char* kPositionOnly = "position_only";

struct ControlOptions {
  bool shuffled_labels = false;  // the model's features, training labels in random order
  bool random_encoder = false;   // a small network whose weights nobody has trained
  bool colour_only = false;      // mean and deviation of each channel
  bool position_only = false;    // where the patch lies on its slide
  uint64_t seed = 1;
  std::vector<std::string> names() const;  // of those that are asked for
  static const OptionTable<ControlOptions>& table();
};

// The labelled rows of a slide with the model's features.
struct ControlSlide {
  std::string patient_id;
  bool trains = false;  // else it tests
  const storage::FeatureFile* file = nullptr;
};

// Opens the slide of that number; called for those controls that look at pixels.
using OpenControlSlide = std::function<std::shared_ptr<const slide::Slide>(size_t slide)>;

struct ControlRun {
  std::span<const ControlSlide> slides;
  const ControlOptions& options;
  const classifier::TrainOptions& train;  // as the model's
  OpenControlSlide open;
};

// Figures of each control on the slides that test, by its name. Warnings begin with its name.
// Error kInvalidArgument: nothing to train on, or to test on; those of training and of reading.
std::map<std::string, evaluation::ClassMetrics> run_controls(const ControlRun& run,
                                                             const Context& context);

// n x 6: mean and standard deviation of each channel, 0-255. Patches as PatchBatch has them.
inline constexpr int64_t kColourColumns = 6;
void colour_features(std::span<const uint8_t> patch, std::span<float> out);

// A network of two layers (32 filters of 7 x 7 px in steps of two, largest of 2 x 2, 64 of 3 x 3;
// what is below 0 is cut off), mean and maximum of each of the 64 over the patch. Its weights are
// drawn from normal distributions of variance 2 / inputs.
class RandomNetwork {
 public:
  static constexpr int kSidePx = 64;
  static constexpr int64_t kColumns = 128;
  explicit RandomNetwork(uint64_t seed);
  // patch: kSidePx x kSidePx RGB.
  void run(std::span<const uint8_t> patch, std::span<float> out) const;

 private:
  std::vector<float> first_, second_;  // [input][filter]
};

}  // namespace lamella::verbs
