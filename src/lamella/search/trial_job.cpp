// SPDX-License-Identifier: Apache-2.0
#include "lamella/search/trial_job.h"

#include <fmt/format.h>

#include <new>

#include "lamella/base/error.h"
#include "lamella/base/stopwatch.h"
#include "lamella/encoder/encoder.h"
#include "lamella/study/option_keys.h"

namespace lamella::search {

namespace {

// An encoder goes by its name, which may be another's on another machine.
void require_same_encoder(const TrialJob& job) {
  const std::string found = encoder::find_encoder(job.study.encoder.name).sha256;
  if (found == job.encoder_sha256) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("found the encoder '{}' with the network {}, expected {} as where the "
                          "search began; install one everywhere",
                          job.study.encoder.name, found, job.encoder_sha256));
}

void take_run(TrialResult& result, study::StudyResult made) {
  record::SearchTrial& trial = result.trial;
  trial.run_id = made.record.run_id;
  for (const record::Outcome& slide : made.record.outcomes) {
    if (!slide.error) continue;
    // On fewer slides than the others its figures are no better or worse than theirs.
    throw Error(ErrorCode::kMismatch,
                fmt::format("slide '{}' failed: {}", slide.slide_id, *slide.error));
  }
  const record::Training& training = made.record.training.value();
  trial.log_loss = training.held_out_log_loss;
  trial.auc = training.held_out_auc;
  trial.lambda = training.lambda;
  for (const int64_t rows : training.class_rows) trial.patches += rows;
  trial.status = "done";
  result.in_turn = std::move(made.in_turn);
}

}  // namespace

TrialResult run_trial(const TrialJob& job, const Context& context) {
  TrialResult result{job.place, job.trial, {}};
  record::SearchTrial& trial = result.trial;
  const Stopwatch watch;
  try {
    require_same_encoder(job);
    take_run(result, study::run_study(job.study, job.options, context));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    trial.error = study::spell_keys(error.what());
  } catch (const std::bad_alloc&) {
    trial.error = "out of memory";
  }
  if (trial.error) trial.status = "failed";
  trial.seconds = watch.seconds();
  return result;
}

}  // namespace lamella::search
