// SPDX-License-Identifier: Apache-2.0
// The members of a run document with their names on disk, stated once: writing, reading and the
// JSON Schema are visitors of these functions. A visitor is called with
//   (name, member, what it is, how)
#pragma once

#include <concepts>
#include <type_traits>

#include "lamella/record/run_document.h"

namespace lamella::record {

enum class How {
  kPlain,     // always written; an optional member only if there is one
  kRequired,  // refused in reading if it is missing
  kIfAny,     // left out where empty
  kNull       // null where there is none, or where a number is not finite
};

template <typename T, typename U>
concept Like = std::same_as<std::remove_const_t<T>, U>;

template <typename V>
void describe(V& v, Like<Command> auto& x) {
  v("study", x.study, "path of the study file as given");
  v("set", x.set, "options given on the command line");
  v("threads", x.threads, "threads used");
  v("full_hash", x.full_hash, "whole slides were hashed");
}

template <typename V>
void describe(V& v, Like<SourceCode> auto& x) {
  v("commit", x.commit, "commit that is checked out");
  v("changed", x.changed, "tracked files differ from it");
  v("branch", x.branch, "branch that is checked out", How::kIfAny);
  v("repository", x.repository, "address of its origin", How::kIfAny);
}

template <typename V>
void describe(V& v, Like<Placement> auto& x) {
  v("experiment", x.experiment, "name of the experiment, if not the study's", How::kIfAny);
  v("experiment_id", x.experiment_id, "MLflow's id of the experiment", How::kIfAny);
  v("run_name", x.run_name, "name of the run, if not the run_id", How::kIfAny);
  v("mlflow_run_id", x.mlflow_run_id, "MLflow's id of the run that is filled in", How::kIfAny);
  v("ended_by_caller", x.ended_by_caller, "that run is ended by whoever has begun it");
  v("parent_run_id", x.parent_run_id, "MLflow's id of the run that this one is nested in",
    How::kIfAny);
  v("artifacts", x.artifacts, "which files are sent, if not all", How::kIfAny);
}

template <typename V>
void describe(V& v, Like<Caller> auto& x) {
  v("user", x.user, "user name");
  v("host", x.host, "machine");
  v("folder", x.folder, "relative paths of the record are relative to it");
  v("source", x.source, "the git repository that the study is kept in");
}

template <typename V>
void describe(V& v, Like<EncoderUsed> auto& x) {
  v("name", x.name, "name of the encoder");
  v("sha256", x.sha256, "SHA-256 of its network");
  v("source", x.source, "where its weights come from");
  v("licence", x.licence, "licence of its weights");
  v("precision", x.precision, "precision it was run in");
  v("dimension", x.dimension, "numbers in a feature");
}

template <typename V>
void describe(V& v, Like<Processor> auto& x) {
  v("model", x.model, "the processor's own name");
  v("features", x.features, "instruction sets that change speed or precision");
}

template <typename V>
void describe(V& v, Like<Software> auto& x) {
  v("lamella", x.lamella, "version of lamella");
  v("git_commit", x.git_commit, "commit it was built from");
  v("system", x.system, "operating system");
  v("libraries", x.libraries, "versions found when run");
  v("built_with", x.built_with, "versions found when built");
  v("processor", x.processor, "the machine's processor");
}

template <typename V>
void describe(V& v, Like<Input> auto& x) {
  v("kind", x.kind, "study, slides table, centres, slide, annotations or tissue mask");
  v("path", x.path, "path of the file");
  v("bytes", x.bytes, "size of the file");
  v("fingerprint", x.fingerprint, "SHA-256 over size, first, middle and last MiB");
  v("sha256", x.sha256, "SHA-256 of the whole file");
  v("error", x.error, "why the file could not be read");
  v("label", x.label, "label of a list of centres");
  v("class", x.class_name, "its name");
  v("slide_id", x.slide_id, "slide that the file belongs to");
  v("patient_id", x.patient_id, "the slide's patient");
  v("role", x.role, "train, test or score");
  v("backend", x.backend, "reader of the slide");
  v("image", x.image, "number or name of the slide, where the file holds several");
  v("mpp_source", x.mpp_source, "where the slide's scale was found");
  v("mpp", x.mpp, "the slide's scale, um per level-0 pixel: x, y");
}

template <typename V>
void describe(V& v, Like<Cohort> auto& x) {
  v("slides", x.slides, "ids of the slides");
  v("patients", x.patients, "ids of the patients");
  v("digest", x.digest, "digest of their data");
}

template <typename V>
void describe(V& v, Like<Trial> auto& x) {
  v("lambda", x.lambda, "the penalty");
  v("mean_log_loss", x.mean_log_loss, "mean over the folds", How::kNull);
  v("fold_log_loss", x.fold_log_loss, "log loss in each fold", How::kNull);
}

template <typename V>
void describe(V& v, Like<ClassThresholds> auto& x) {
  v("class", x.class_name, "against the rest");
  v("accuracy", x.accuracy, "probability at which accuracy is best");
  v("f1", x.f1, "probability at which F1 is best");
}

template <typename V>
void describe(V& v, Like<Fold> auto& x) {
  v("name", x.name, "what was held out");
  v("patients", x.patients, "ids of its patients");
  v("slides", x.slides, "ids of its slides");
  v("lambda", x.lambda, "the penalty, chosen within the others");
  v("metrics", x.metrics, "figures of the rows held out");
}

template <typename V>
void describe(V& v, Like<Training> auto& x) {
  v("classes", x.classes, "names, in the order of the columns of scores");
  v("class_rows", x.class_rows, "labelled patches of each class");
  v("folds", x.folds, "folds of the cross-validation, 0 if the penalty was given");
  v("lambda", x.lambda, "the penalty used");
  v("size_px", x.size_px, "side of a patch in its own pixels");
  v("mpp", x.mpp, "scale that the model works at, um per pixel; null if not known", How::kNull);
  v("trials", x.trials, "every penalty tried");
  v("thresholds", x.thresholds, "chosen on held-out rows of the training slides", How::kIfAny);
  v("held_out_log_loss", x.held_out_log_loss, "of rows held out, at the penalty used");
  v("held_out_auc", x.held_out_auc, "of rows held out, at the penalty used; of more classes macro");
  v("feature_space", x.feature_space, "what the model's features are");
  v("model_sha256", x.model_sha256, "SHA-256 of the model's numbers");
}

template <typename V>
void describe(V& v, Like<SearchTrial> auto& x) {
  v("name", x.name, "what is its own");
  v("set", x.set, "its options");
  v("status", x.status, "done, failed or not begun");
  v("error", x.error, "why it failed");
  v("run_id", x.run_id, "id of its own record");
  v("output", x.output, "folder of its pieces");
  v("log_loss", x.log_loss, "of training rows held out");
  v("auc", x.auc, "of training rows held out");
  v("lambda", x.lambda, "the penalty chosen");
  v("patches", x.patches, "labelled patches of the slides to train on");
  v("seconds", x.seconds, "time spent on it");
}

template <typename V>
void describe(V& v, Like<SearchFold> auto& x) {
  v("name", x.name, "what was held out");
  v("trial", x.trial, "the trial chosen without it");
  v("log_loss", x.log_loss, "of the rows held out");
  v("auc", x.auc, "of the rows held out");
}

template <typename V>
void describe(V& v, Like<Search> auto& x) {
  v("by", x.by, "what the choice is by: log_loss or auc");
  v("trials", x.trials, "every combination");
  v("chosen", x.chosen, "name of the trial that is best");
  v("chosen_run_id", x.chosen_run_id, "id of its whole run");
  v("folds", x.folds, "patients held out, each tested by the trial chosen without them",
    How::kIfAny);
}

template <typename V>
void describe(V& v, Like<TrialOf> auto& x) {
  v("search", x.search, "id of the search");
  v("name", x.name, "name of the trial");
  v("whole", x.whole, "the trial chosen, with the slides to test on");
}

template <typename V>
void describe(V& v, Like<evaluation::CurvePoint> auto& x) {
  v("threshold", x.threshold, "scores at or above it are called the class");
  v("x", x.x, "1 - specificity, or recall");
  v("y", x.y, "sensitivity, or precision");
}

template <typename V>
void describe(V& v, Like<evaluation::ReliabilityBin> auto& x) {
  v("low", x.low, "least score");
  v("high", x.high, "greatest score");
  v("n", x.n, "rows");
  v("mean_score", x.mean_score, "mean of their scores");
  v("share", x.share, "how many of them are of the class");
}

template <typename V>
void describe(V& v, Like<evaluation::NetBenefit> auto& x) {
  v("threshold", x.threshold, "probability from which one would act");
  v("model", x.model, "net benefit of acting by the scores");
  v("all", x.all, "net benefit of acting on every row");
}

template <typename V>
void describe(V& v, Like<evaluation::ClassCurves> auto& x) {
  v("class", x.class_name, "against the rest");
  v("roc", x.roc, "receiver operating characteristic");
  v("precision_recall", x.precision_recall, "precision by recall");
  v("reliability", x.reliability, "by 15 equal parts of the scores");
  v("decision", x.decision, "decision curve");
  v("histogram", x.histogram, "rows of the class by 20 equal parts of the scores");
  v("histogram_rest", x.histogram_rest, "the same of the other rows");
}

template <typename V>
void describe(V& v, Like<evaluation::GroupFigures> auto& x) {
  v("kind", x.kind, "patient or slide");
  v("id", x.id, "its id");
  v("class", x.class_name, "against the rest");
  v("n", x.n, "labelled patches");
  v("n_positive", x.n_positive, "of the class");
  v("mean_score", x.mean_score, "mean of the scores");
  v("auc", x.auc, "AUC");
  v("accuracy", x.accuracy, "accuracy at 0.5");
  v("brier", x.brier, "Brier");
  v("log_loss", x.log_loss, "log loss");
  v("calibration_slope", x.calibration_slope, "calibration slope");
  v("calibration_intercept", x.calibration_intercept, "calibration intercept");
  v("calibration_in_the_large", x.calibration_in_the_large, "intercept at slope 1");
  v("ece", x.ece, "ECE");
  v("reliability", x.reliability, "by 15 equal parts of the scores; of patients", How::kIfAny);
}

template <typename V>
void describe(V& v, Like<evaluation::WrongPatch> auto& x) {
  v("slide_id", x.slide_id, "its slide");
  v("x_px", x.x_px, "left edge, level-0 px");
  v("y_px", x.y_px, "top edge, level-0 px");
  v("is", x.is, "its class");
  v("called", x.called, "its most likely class");
  v("score", x.score, "probability of the class called");
  v("side_px", x.side_px, "side of the patch, level-0 px; 0: not known");
}

template <typename V>
void describe(V& v, Like<evaluation::Details> auto& x) {
  v("curves", x.curves, "of each class; of two of the last");
  v("groups", x.groups, "patients and slides one by one");
  v("wrong", x.wrong, "the most confident errors");
}

template <typename V>
void describe(V& v, Like<Remade> auto& x) {
  v("piece", x.piece, "what was made again");
  v("why", x.why, "what had changed");
}

template <typename V>
void describe(V& v, Like<Outcome> auto& x) {
  v("slide_id", x.slide_id, "id of the slide");
  v("role", x.role, "train, test or score");
  v("status", x.status, "done, failed or not finished");
  v("error", x.error, "why it failed");
  v("patches", x.patches, "patches encoded or found finished");
  v("patches_reused", x.patches_reused, "of these, found finished");
  v("patches_resumed", x.patches_resumed, "of these, done by a run that was killed");
  v("patches_left_out", x.patches_left_out, "planned, too, but damaged");
  v("remade", x.remade, "what was finished and had to be made again");
  v("seconds", x.seconds, "time spent on it");
  v("slide_score", x.slide_score,
    "mean of the highest score of 20 patches, over all choices of 20");
  v("slide_label", x.slide_label, "class of the slide as a whole");
  v("heatmap", x.heatmap, "path of the overlay");
  v("feature_distance", x.feature_distance, "distance of its features from those of training");
  v("unsure", x.unsure, "share of its patches that the model is unsure of");
  v("stain_shift", x.stain_shift, "optical density of its stain from that of the training slides");
  v("unlike", x.unlike, "why it is unlike the training slides", How::kIfAny);
}

template <typename V>
void describe(V& v, Like<Usual> auto& x) {
  v("slides", x.slides, "training slides that were held out in turn");
  v("feature_distance", x.feature_distance, "usual up to this");
  v("unsure", x.unsure, "usual up to this");
  v("stain_shift", x.stain_shift, "usual up to this");
  v("null_slides", x.null_slides, "training slides whose other patches were scored when held out");
  v("null_score", x.null_score, "median slide score of patches that are not of the class");
  v("null_score_most", x.null_score_most, "greatest of these");
}

template <typename V>
void describe(V& v, Like<Output> auto& x) {
  v("path", x.path, "path in the output folder");
  v("sha256", x.sha256, "SHA-256 of the file");
}

template <typename V>
void describe(V& v, Like<Reading> auto& x) {
  v("slide_id", x.slide_id, "id of the slide");
  v("requests", x.requests, "requests to its store, with those sent again");
  v("bytes_fetched", x.bytes_fetched, "bytes that came");
  v("bytes_needed", x.bytes_needed, "bytes that its readers asked for");
  v("seconds_waiting", x.seconds_waiting, "time its readers waited, summed over threads");
}

template <typename V>
void describe(V& v, Like<Measure> auto& x) {
  v("key", x.key, "name of the curve");
  v("value", x.value, "the value");
  v("step", x.step, "its place on the curve");
  v("time_ms", x.time_ms, "when it was measured, Unix time in ms");
}

template <typename V>
void describe(V& v, Like<RunDocument> auto& x) {
  v("run_id", x.run_id, "id of the run, name of its folder", How::kRequired);
  v("name", x.name, "name of the study", How::kRequired);
  v("status", x.status, "a record that says RUNNING and whose lock nobody holds was killed",
    How::kRequired);
  v("start_time", x.start_time, "UTC", How::kRequired);
  v("start_time_ms", x.start_time_ms, "Unix time in ms");
  v("end_time", x.end_time, "UTC");
  v("end_time_ms", x.end_time_ms, "Unix time in ms");
  v("warnings", x.warnings, "what was adapted or left out");
  v("error", x.error, "why the run failed");
  v("command", x.command, "how the run was called");
  v("caller", x.caller, "who ran it and where");
  v("output", x.output, "folder of the results", How::kIfAny);
  v("server", x.server, "address of the MLflow server that the study names", How::kIfAny);
  v("placement", x.placement, "where the run belongs at MLflow");
  v("study", x.options, "every option as resolved", How::kIfAny);
  v("encoder", x.encoder, "the network");
  v("seeds", x.seeds, "seeds by what they are for", How::kIfAny);
  v("software", x.software, "versions, processor, system");
  v("inputs", x.inputs, "every file that is read", How::kIfAny);
  v("split", x.split, "slides and patients by role", How::kIfAny);
  v("training", x.training, "how the model was trained");
  v("metrics", x.metrics, "figures by role", How::kIfAny);
  v("details", x.details, "what stands behind the figures, by role", How::kIfAny);
  v("folds", x.folds, "slides of training, each tested by a model of the others", How::kIfAny);
  v("search", x.search, "combinations of options that were tried");
  v("trial_of", x.trial_of, "the search that this run is part of");
  v("controls", x.controls, "figures of the controls that were run", How::kIfAny);
  v("usual", x.usual, "limits of what is like the training slides");
  v("slides", x.outcomes, "outcome of every slide", How::kIfAny);
  v("seconds", x.times, "time of every step", How::kIfAny);
  v("readings", x.readings, "what slides in object stores cost", How::kIfAny);
  v("outputs", x.outputs, "files that were written", How::kIfAny);
  v("history", x.history, "each figure with its step and time", How::kIfAny);
}

// Whether a type has members of its own.
struct AnyVisitor {
  template <typename T>
  void operator()(const char*, const T&, const char*, How = How::kPlain) {}
};
template <typename T>
concept Described = requires(AnyVisitor& v, T& x) {
  describe(v, x);
};

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
concept Map = requires {
  typename T::mapped_type;
}
&&!std::same_as<T, nlohmann::json>;
template <typename T>
concept List = requires(T& x) {
  x.begin();
}
&&!Map<T> && !std::same_as<T, std::string> && !std::same_as<T, nlohmann::json>;
template <typename T>
concept Empties = requires(const T& x) {
  { x.empty() } -> std::same_as<bool>;
};

}  // namespace lamella::record
