// SPDX-License-Identifier: Apache-2.0
// The cohort loop, and what its steps share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/stopwatch.h"
#include "lamella/classifier/nearest_rows.h"
#include "lamella/cohort/pieces.h"
#include "lamella/mlflow/follower.h"
#include "lamella/record/run_record.h"
#include "lamella/storage/storage.h"
#include "lamella/study/run_study.h"

namespace lamella::study {

// The labelled rows of a train or test slide.
struct LabelledSlide {
  storage::FeatureFile file;
  std::string key;  // of the features
};

// One slide of the cohort while the run goes on.
struct SlideWork {
  cohort::SlideEntry entry;
  std::optional<cohort::CohortSlide> slide;  // once it was opened
  std::optional<LabelledSlide> labelled;
  bool scored = false;  // its grid
  record::Outcome outcome;

  bool alive() const { return !outcome.error; }
};

// Where the record is sent to while the run goes on.
struct Sending {
  mlflow::PublishOptions options;  // uri "": nowhere
  std::unique_ptr<mlflow::Follower> follower;
  double seconds = 0;     // that the run waited for it
  nlohmann::json result;  // where the record was sent at last, null if nowhere
  std::map<std::string, std::string> output_hashes;  // of finished files, by their names
};

// Slides of training, tested in turn.
struct InTurn {
  std::map<std::string, int> fold_of;  // see verbs::SplitInputs
  verbs::SplitEvaluation evaluation;
};

// What slides are held against, to say which are unlike the rest.
struct Likeness {
  std::vector<tissue::CohortSlide> tissues;        // of the masks made in this run
  std::optional<classifier::NearestRows> nearest;  // once it is trained
};

struct RunState {
  const Study& study;
  Context context;  // its warnings go into the record, too
  record::RunRecord& record;
  cohort::PieceContext pieces;
  cohort::LazyEncoder encoder{};
  std::vector<SlideWork> works{};
  cohort::FittedModel fitted{};
  InTurn in_turn{};
  Likeness likeness{};
  Sending sending{};
};

// The cohort loop: calls step for every slide that has not failed; an Error of the slide becomes
// its outcome (kInterrupted is rethrown).
void for_each_slide(RunState& state, const std::function<void(SlideWork&)>& step);
// Only those whose role is not `except`, with their pieces, whose report goes into the outcome;
// progress says how far the cohort is: "45/400 encode T045".
void for_each_slide_but(RunState& state, cohort::Role except,
                        const std::function<void(SlideWork&, cohort::SlidePieces&)>& step);

// Error kMismatch if a slide to train on and one to test on are the same file under two names; a
// warning if two of the same role are. All slides must have been opened.
void refuse_same_slides(const RunState& state);

// Sends the record as it is to the MLflow server, if one is named. A server that is away or refuses
// is a warning: the run goes on, and 'lamella runs publish' sends its record later. While the run
// goes on it does not wait for the server, and one that was away is left alone until the end.
// kSlide: after a slide; nothing happens unless the last sending was a while ago.
// Where the study requires it, Error: no server can be used (choose_server), it is away or refuses
// (send_record at kStart, which then waits for it, and at kEnd).
void choose_server(RunState& state, const mlflow::CallingClient& client);
enum class Moment { kStart, kUnderway, kSlide, kEnd, kInterrupted };
void send_record(RunState& state, Moment moment);

// The steps, in order.
void open_slides(RunState& state);      // slides, annotations, the model's scale
void encode_labelled(RunState& state);  // plan + encode the labelled rows
void run_controls(RunState& state);     // of train_model, while the labelled rows are there
void train_model(RunState& state);      // train, evaluate, write the model
void score_slides(RunState& state);     // plan + encode + score + map whole slides
void evaluate_slides(RunState& state);  // slide scores against slide labels, where there are some

}  // namespace lamella::study
