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
#include "lamella/encoder/encoder.h"
#include "lamella/mlflow/follower.h"
#include "lamella/model/model.h"
#include "lamella/record/run_record.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"
#include "lamella/study/run_study.h"

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
  record::Outcome outcome;

  bool alive() const { return !outcome.error; }
};

struct RunState {
  const Study& study;
  const RunOptions& options;
  Context context;  // its warnings go into the result, too
  StudyResult& result;
  record::RunRecord& record;
  std::vector<patch::LabelledCentres> centres{};
  encoder::EncoderInfo encoder_info{};
  encoder::Precision precision = encoder::Precision::kF32;  // as resolved
  std::unique_ptr<encoder::Encoder> encoder{};              // loaded when first needed
  std::vector<SlideWork> works{};
  std::optional<double> model_mpp{};
  model::Model model{};
  std::string model_sha256{};
  mlflow::PublishOptions publish{};  // uri "": nowhere
  std::unique_ptr<mlflow::Follower> follower{};
  double publish_seconds = 0;                          // that the run waited for it
  std::map<std::string, std::string> output_hashes{};  // of finished files, by their names

  encoder::Encoder& loaded_encoder();
  std::string file(const std::string& folder, const SlideWork& work,
                   const std::string& extension) const;
};

// Adds the time since construction to *seconds when it ends.
class StepTimer {
 public:
  explicit StepTimer(double& seconds);
  ~StepTimer();
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

 private:
  double& seconds_;
  double start_;
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
void send_record(RunState& state, Moment moment);

// The steps, in order.
void open_slides(RunState& state);      // slides, annotations, the model's scale
void encode_labelled(RunState& state);  // plan + encode the labelled rows
void train_model(RunState& state);      // train, evaluate, write the model
void score_slides(RunState& state);     // plan + encode + score + map whole slides

}  // namespace lamella::study
