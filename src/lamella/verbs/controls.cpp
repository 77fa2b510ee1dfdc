// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/controls.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/random.h"
#include "lamella/base/text.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/fold_groups.h"

namespace lamella::verbs {

namespace {

constexpr int64_t kPositionColumns = 5;

// The labelled rows of a slide, and their features for one control.
struct Part {
  patch::PatchPlan plan;
  std::vector<int64_t> rows;  // in the slide's file
  feature::FeatureMatrix features;
};

std::vector<Part> labelled_parts(std::span<const ControlSlide> slides) {
  std::vector<Part> parts;
  for (const ControlSlide& slide : slides) {
    Part part;
    part.plan = slide.file->plan;
    part.plan.rows.clear();
    const std::vector<patch::PatchRow>& rows = slide.file->plan.rows;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].label == patch::kNoLabel) continue;
      part.plan.rows.push_back(rows[i]);
      part.rows.push_back(static_cast<int64_t>(i));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

feature::FeatureMatrix matrix(size_t rows, int64_t columns) {
  feature::FeatureMatrix features;
  features.rows = static_cast<int64_t>(rows);
  features.columns = columns;
  features.values.resize(rows * static_cast<size_t>(columns));
  return features;
}

feature::FeatureMatrix own_features(const Part& part, const feature::FeatureMatrix& all) {
  feature::FeatureMatrix features = matrix(part.rows.size(), all.columns);
  for (size_t i = 0; i < part.rows.size(); ++i) {
    std::ranges::copy(all.row(part.rows[i]), features.row(static_cast<int64_t>(i)).begin());
  }
  return features;
}

// The patch's centre in parts of the slide's sides, and its squares: enough for a middle, a rim or
// a corner.
feature::FeatureMatrix positions(const Part& part) {
  feature::FeatureMatrix features = matrix(part.plan.rows.size(), kPositionColumns);
  const patch::PatchGeometry& geometry = part.plan.geometry;
  for (size_t i = 0; i < part.plan.rows.size(); ++i) {
    const patch::PatchRow& row = part.plan.rows[i];
    const double x = (static_cast<double>(row.x_px) + geometry.extent_x_px / 2) /
                     static_cast<double>(geometry.slide_size_px.width);
    const double y = (static_cast<double>(row.y_px) + geometry.extent_y_px / 2) /
                     static_cast<double>(geometry.slide_size_px.height);
    const auto out = features.row(static_cast<int64_t>(i));
    const std::array<double, kPositionColumns> values = {x, y, x * x, y * y, x * y};
    for (size_t k = 0; k < values.size(); ++k) out[k] = static_cast<float>(values[k]);
  }
  return features;
}

// Of every patch by its pixels: `make` fills the columns of one.
feature::FeatureMatrix of_pixels(
    const Part& part, const std::shared_ptr<const slide::Slide>& slide, int64_t columns,
    const std::function<void(std::span<const uint8_t>, std::span<float>)>& make,
    const Context& context) {
  feature::FeatureMatrix features = matrix(part.plan.rows.size(), columns);
  if (part.plan.rows.empty()) return features;
  patch::PatchExtractor extractor(slide, part.plan, {.output_px = RandomNetwork::kSidePx});
  for (patch::PatchBatch batch; extractor.next(batch, context);) {
    parallel_for(batch.count, context.threads, [&](int64_t i, int) {
      make(batch.patch(i), features.row(batch.rows[static_cast<size_t>(i)]));
    });
  }
  return features;
}

void fill_features(const ControlRun& run, const std::string& name, std::vector<Part>& parts,
                   const Context& context) {
  const RandomNetwork network(run.options.seed);
  for (size_t k = 0; k < parts.size(); ++k) {
    Part& part = parts[k];
    if (name == kShuffledLabels) {
      part.features = own_features(part, run.slides[k].file->features);
    } else if (name == kPositionOnly) {
      part.features = positions(part);
    } else if (name == kColourOnly) {
      part.features = of_pixels(part, run.open(k), kColourColumns, colour_features, context);
    } else {
      part.features = of_pixels(
          part, run.open(k), RandomNetwork::kColumns,
          [&](std::span<const uint8_t> patch, std::span<float> out) { network.run(patch, out); },
          context);
    }
    part.features.feature_space = std::string("control/") + name;
  }
}

classifier::LinearModel trained(const ControlRun& run, const std::string& name,
                                const std::vector<Part>& parts, const ClassTable& classes,
                                const Context& context) {
  std::vector<feature::FeatureMatrix> features;
  std::vector<GroupedSlide> slides;
  std::vector<int8_t> labels;
  for (size_t k = 0; k < parts.size(); ++k) {
    if (!run.slides[k].trains) continue;
    features.push_back(parts[k].features);
    slides.push_back(
        {run.slides[k].patient_id, parts[k].plan.rows, parts[k].plan.geometry.extent_x_px});
    for (const patch::PatchRow& row : parts[k].plan.rows) labels.push_back(row.label);
  }
  if (name == kShuffledLabels) {
    Random random(derive_seed(run.options.seed, kShuffledLabels));
    random.shuffle(std::span(labels));
  }
  std::string ignored;  // precisions mix: said when the model was trained
  const feature::FeatureMatrix joined = feature::concatenate(features, &ignored);
  const FoldGroups folds = fold_groups(slides);
  return classifier::train_classifier({joined, labels, folds.groups, classes, folds.guards},
                                      run.train, context)
      .model;
}

evaluation::ClassMetrics tested(const ControlRun& run, const std::vector<Part>& parts,
                                const classifier::LinearModel& model, const Context& context) {
  std::vector<NamedScores> scores;
  std::vector<Truth> truths;
  EvaluateOptions options;
  for (size_t k = 0; k < parts.size(); ++k) {
    if (run.slides[k].trains || parts[k].plan.rows.empty()) continue;
    const patch::PatchPlan& plan = parts[k].plan;
    scores.push_back(
        {plan.slide_id, plan.slide_id,
         heatmap::scored_patches(plan, classifier::score_patches(parts[k].features, model))});
    truths.push_back({plan.slide_id, plan});
    options.patients[to_lower(plan.slide_id)] = run.slides[k].patient_id;
  }
  return evaluate_scores(scores, truths, options, context).all;
}

}  // namespace

std::vector<std::string> ControlOptions::names() const {
  std::vector<std::string> all;
  if (shuffled_labels) all.emplace_back(kShuffledLabels);
  if (random_encoder) all.emplace_back(kRandomEncoder);
  if (colour_only) all.emplace_back(kColourOnly);
  if (position_only) all.emplace_back(kPositionOnly);
  return all;
}

const OptionTable<ControlOptions>& ControlOptions::table() {
  static const auto kTable =
      OptionTable<ControlOptions>()
          .row(kShuffledLabels, &ControlOptions::shuffled_labels,
               {.help = "control: training labels in random order"})
          .row(kRandomEncoder, &ControlOptions::random_encoder,
               {.help = "control: a small network that nobody has trained"})
          .row(kColourOnly, &ControlOptions::colour_only,
               {.help = "control: mean and deviation of each colour of a patch"})
          .row(kPositionOnly, &ControlOptions::position_only,
               {.help = "control: where a patch lies on its slide"})
          .row("seed", &ControlOptions::seed,
               {.help = "of the order and of the network", .least = 0});
  return kTable;
}

std::map<std::string, evaluation::ClassMetrics> run_controls(const ControlRun& run,
                                                             const Context& context) {
  std::map<std::string, evaluation::ClassMetrics> figures;
  std::vector<Part> parts = labelled_parts(run.slides);
  const auto with_rows = [&](bool trains) {
    for (size_t k = 0; k < parts.size(); ++k) {
      if (run.slides[k].trains == trains && !parts[k].plan.rows.empty()) return k;
    }
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("controls need labelled patches to {} on; found none",
                            trains ? "train" : "test"));
  };
  with_rows(false);
  const ClassTable classes = parts[with_rows(true)].plan.classes;
  for (const std::string& name : run.options.names()) {
    Context own = context;
    own.warning = [&](const std::string& text) { context.warn("control " + name + ": " + text); };
    fill_features(run, name, parts, own);
    const classifier::LinearModel model = trained(run, name, parts, classes, own);
    figures[name] = tested(run, parts, model, own);
  }
  return figures;
}

}  // namespace lamella::verbs
