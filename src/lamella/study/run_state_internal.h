// SPDX-License-Identifier: Apache-2.0
// What the steps of one run share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/stopwatch.h"
#include "lamella/encoder/encoder.h"
#include "lamella/model/model.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"
#include "lamella/study/run_follower_internal.h"
#include "lamella/study/run_study.h"
#include "lamella/tracking/mlflow_publish.h"
#include "lamella/tracking/run_record.h"

namespace lamella::study {

// One slide of the cohort while the run goes on.
struct SlideWork {
  SlideEntry entry;
  std::optional<slide::SlideInfo> info;       // as the slide was when the run began
  std::shared_ptr<const slide::Slide> slide;  // only while a step is at its pixels
  std::optional<annotation::AnnotationSet> annotations;
  std::string annotations_sha256;
  std::optional<storage::FeatureFile> labelled;  // of train and test slides
  std::string labelled_key;
  bool scored = false;  // its grid
  SlideOutcome outcome;

  bool alive() const { return outcome.error.empty(); }
};

struct RunState {
  const Study& study;
  const RunOptions& options;
  Context context;  // its warnings go into the result, too
  StudyResult& result;
  tracking::RunRecord& record;
  std::vector<patch::LabelledCentres> centres{};
  encoder::EncoderInfo encoder_info{};
  encoder::Precision precision = encoder::Precision::kF32;  // as resolved
  std::unique_ptr<encoder::Encoder> encoder{};              // loaded when first needed
  std::vector<SlideWork> works{};
  std::optional<double> model_mpp{};
  model::Model model{};
  std::string model_sha256{};
  tracking::PublishOptions publish{};  // uri "": nowhere
  std::unique_ptr<RunFollower> follower{};
  double publish_seconds = 0;                          // that the run waited for it
  std::map<std::string, std::string> output_hashes{};  // of finished files, by their names

  encoder::Encoder& loaded_encoder();
  std::string file(const std::string& folder, const SlideWork& work,
                   const std::string& extension) const;
};

// The cohort loop: calls step for every slide that has not failed; an Error of the slide becomes
// its outcome (kInterrupted is rethrown). No slide is open after it: a cohort needs no more files
// and memory than one slide.
void for_each_slide(RunState& state, const std::function<void(SlideWork&)>& step);
// Only those whose role is not `except`; progress says how far the cohort is: "45/400 encode T045".
void for_each_slide_but(RunState& state, Role except, const std::function<void(SlideWork&)>& step);

// Says, in the log and in the slide's outcome, that a piece which was there is made again.
void note_remade(RunState& state, SlideWork& work, const std::string& piece,
                 std::vector<std::string> why);
// Whether `path` is there under this key; if it is under another one, that is noted.
bool find_finished(RunState& state, SlideWork& work, const std::string& piece,
                   const std::string& path, const std::string& key);

// Sends the record as it is to the MLflow server, if one is named. A server that is away or refuses
// is a warning: the run goes on, and 'lamella runs publish' sends its record later. While the run
// goes on it does not wait for the server, and one that was away is left alone until the end.
// kSlide: after a slide; nothing happens unless the last sending was a while ago.
void choose_server(RunState& state);
enum class Moment { kUnderway, kSlide, kEnd, kInterrupted };
void follow_run(RunState& state, Moment moment);

// The steps, in order.
void open_slides(RunState& state);      // slides, annotations, the model's scale
void encode_labelled(RunState& state);  // plan + encode the labelled rows
void train_model(RunState& state);      // train, evaluate, write the model
void score_slides(RunState& state);     // plan + encode + score + map whole slides

}  // namespace lamella::study
