// SPDX-License-Identifier: Apache-2.0
// The record of one execution as a value: what went in, how, and what came of it. A run fills it
// as it goes on, so most parts may be empty.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/evaluation/class_metrics.h"
#include "lamella/evaluation/details.h"

namespace lamella::record {

// Of the shape on disk. A reader takes this one and earlier ones.
inline constexpr int kRecordFormat = 2;

enum class Status { kRunning, kFinished, kFailed, kKilled };
std::string_view to_string(Status status);  // "RUNNING", …

struct Command {
  std::string study;  // path as given
  std::vector<std::string> set;
  int64_t threads = 0;
  bool full_hash = false;
};

// The git repository that a study is kept in.
struct SourceCode {
  std::string commit;
  bool changed = false;    // tracked files differ from the commit
  std::string branch;      // "" where none is checked out
  std::string repository;  // address of its origin without credentials, "" if it has none
};

struct Caller {
  std::string user, host;
  std::string folder;  // what relative paths of the record are relative to
  std::optional<SourceCode> source{};
};

// Where the run belongs at MLflow; "" for what nobody said.
struct Placement {
  std::string experiment{};              // its name; else the study's
  std::string experiment_id{};           // wins over the name
  std::string run_name{};                // else the run_id
  std::string mlflow_run_id{};           // a run of MLflow that is filled in
  bool ended_by_caller = false;          // that one, by whoever has begun it
  std::string parent_run_id{};           // the run is nested in it
  std::vector<std::string> artifacts{};  // what is sent of its files; all if empty
};

struct EncoderUsed {
  std::string name, sha256, source, licence;
  std::string precision;  // as run
  int64_t dimension = 0;
};

struct Processor {
  std::string model;
  std::vector<std::string> features;
};

struct Software {
  std::string lamella, git_commit, system;
  std::map<std::string, std::string> libraries;   // found at run time
  std::map<std::string, std::string> built_with;  // found at build time
  Processor processor;
};

// One file that the run reads.
struct Input {
  // "study", "slides table", "centres", "slide", "annotations", "tissue mask"
  std::string kind = {};
  std::string path = {};
  std::optional<int64_t> bytes = {};
  std::optional<std::string> fingerprint = {};
  std::optional<std::string> sha256 = {};
  std::optional<std::string> error = {};       // why there are no hashes
  std::optional<int64_t> label = {};           // of a list of centres
  std::optional<std::string> class_name = {};  // the same by its name
  std::optional<std::string> slide_id = {}, patient_id = {}, role = {};
  std::optional<std::string> backend = {}, mpp_source = {};
  std::optional<std::string> image = {};          // which one, where the file holds several
  std::optional<std::array<double, 2>> mpp = {};  // x, y: µm per level-0 px
};
using Inputs = std::vector<Input>;

// The slides of one role.
struct Cohort {
  std::vector<std::string> slides;
  std::set<std::string> patients;
  std::string digest;  // of their data
};
using Split = std::map<std::string, Cohort>;  // by role

// Every option as resolved. Its shape is the study's: whoever needs one of them by name asks the
// study.
using Options = nlohmann::json;

struct Trial {
  double lambda = 0;
  double mean_log_loss = 0;
  std::vector<double> fold_log_loss;
};

// Of one class, chosen on rows that were held out.
struct ClassThresholds {
  std::string class_name;
  std::optional<double> accuracy, f1;  // probabilities
};

struct Training {
  std::vector<std::string> classes;
  std::vector<int64_t> class_rows;  // labelled patches of each
  int64_t folds = 0;                // 0: the penalty was given
  double lambda = 0;
  int64_t size_px = 0;        // of a patch
  std::optional<double> mpp;  // that the model works at
  std::vector<Trial> trials;
  std::vector<ClassThresholds> thresholds;
  // Of the rows held out, at the penalty chosen: what a search compares.
  std::optional<double> held_out_log_loss, held_out_auc;
  std::string feature_space, model_sha256;
};

using Metrics = std::map<std::string, evaluation::ClassMetrics>;  // by role

using Details = std::map<std::string, evaluation::Details>;  // by role

// Slides of training that were tested by a model of the others.
struct Fold {
  std::string name;
  std::vector<std::string> patients, slides;  // held out
  double lambda = 0;                          // chosen within the others
  evaluation::ClassMetrics metrics;
};
using Folds = std::vector<Fold>;

// One combination of a search.
struct SearchTrial {
  std::string name;                  // "lite0, mpp 4"
  std::vector<std::string> set;      // its options, "table.key=value"
  std::string status = "not begun";  // "done", "failed"
  std::optional<std::string> error;
  std::string run_id;  // of its own record
  std::string output;  // folder of its pieces
  // By cross-validation over the training patients.
  std::optional<double> log_loss, auc;
  std::optional<double> lambda;
  int64_t patches = 0;  // labelled, of the slides to train on
  double seconds = 0;
};

// Patients held out, the trial chosen without them, and what it came to on them.
struct SearchFold {
  std::string name, trial;
  std::optional<double> log_loss, auc;
};

// A record that is a search's.
struct Search {
  std::string by;  // "log_loss" or "auc"
  std::vector<SearchTrial> trials;
  std::string chosen;         // name of the trial, "" until there is one
  std::string chosen_run_id;  // of its whole run, with the slides to test on
  std::vector<SearchFold> folds;
};

// A record that is part of one.
struct TrialOf {
  std::string search;  // its run_id
  std::string name;
  bool whole = false;  // the trial chosen, with the slides to test on
};

// A piece that was there, and is not what is wanted any more.
struct Remade {
  std::string piece;  // "plans/labelled", "features/grid", "heatmaps"
  std::vector<std::string> why;
};

// What became of one slide.
struct Outcome {
  std::string slide_id, role;
  std::string status = "not finished";  // "done", "failed"
  std::optional<std::string> error;     // of a slide that failed: path, what, what to do
  int64_t patches = 0;                  // encoded or found finished, labelled and grid together
  int64_t patches_reused = 0;           // of these, found finished
  int64_t patches_resumed = 0;   // of these, done before by a run that was killed amid a slide
  int64_t patches_left_out = 0;  // planned, too, and not to be read (patches.on_damage)
  std::vector<Remade> remade;
  double seconds = 0;
  std::optional<double> slide_score;       // see heatmap::slide_score
  std::optional<std::string> slide_label;  // class of the slide as a whole, as the table says
  std::optional<std::string> heatmap;      // path of the overlay PNG
  // From the training patches, see classifier::NearestRows; of a training slide, when held out.
  std::optional<double> feature_distance;
  std::optional<double> unsure;       // share of its patches, see verbs::unsure_share
  std::optional<double> stain_shift;  // from the training slides, see tissue::stain_shift
  std::vector<std::string> unlike;    // why it is unlike the training slides; empty: it is not
};
using Outcomes = std::vector<Outcome>;

// Up to which values slides are like those that the model was trained on; none where too few of
// them could be held out.
struct Usual {
  int64_t slides = 0;  // that were held out
  std::optional<double> feature_distance, unsure, stain_shift;
  // Of each training slide with 20 patches and more that are not of the class shown: the slide
  // score that these alone, when held out, come to.
  int64_t null_slides = 0;
  std::optional<double> null_score, null_score_most;  // median, greatest
};

// One file that the run wrote; its path is relative to the output folder.
struct Output {
  std::string path, sha256;
};
using Outputs = std::vector<Output>;

using Times = std::map<std::string, double>;  // seconds by step

// What reading one slide from a store has cost.
struct Reading {
  std::string slide_id;
  int64_t requests = 0, bytes_fetched = 0, bytes_needed = 0;
  double seconds_waiting = 0;  // of its readers, summed over threads
};

// One value of a curve.
struct Measure {
  std::string key;
  double value = 0;
  int64_t step = 0;
  int64_t time_ms = 0;
};

struct RunDocument {
  std::string run_id, name;
  Status status = Status::kRunning;
  std::string start_time;  // UTC, "2026-11-27T15:00:00Z"
  int64_t start_time_ms = 0;
  std::optional<std::string> end_time;
  std::optional<int64_t> end_time_ms;
  std::vector<std::string> warnings;
  std::optional<std::string> error;
  std::optional<Command> command;
  std::optional<Caller> caller;
  std::string output;  // folder of the results, as the study names it
  std::string server;  // MLflow's address as the study names it, without credentials; "": none
  std::optional<Placement> placement;
  Options options;
  std::optional<EncoderUsed> encoder;
  std::map<std::string, uint64_t> seeds;
  std::optional<Software> software;
  Inputs inputs;
  Split split;
  std::optional<Training> training;
  Metrics metrics;
  Details details;
  Folds folds;
  std::optional<Search> search;
  std::optional<TrialOf> trial_of;
  Metrics controls;  // on the slides to test on, by the control's name
  std::optional<Usual> usual;
  Outcomes outcomes;
  Times times;
  std::vector<Reading> readings;
  Outputs outputs;
  std::vector<Measure> history;
};

// The slides table's path, "" if it is not recorded.
std::string slides_table_of(const RunDocument& document);

}  // namespace lamella::record
