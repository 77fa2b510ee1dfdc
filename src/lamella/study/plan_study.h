// SPDX-License-Identifier: Apache-2.0
// The pieces of a study, for those who encode them elsewhere (a cluster): what is written under a
// piece's path with its key is found finished by run_study.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/cohort/piece_context.h"
#include "lamella/cohort/slides_table.h"
#include "lamella/encoder/encoder.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

// What making the pieces of a study works with; the scale and the lists are to be filled in. The
// study must outlive it.
cohort::PieceContext piece_context(const Study& study, const encoder::EncoderInfo& encoder);

struct StudyPiece {
  std::string kind;  // "labelled" or "grid"
  patch::PatchPlan plan;
  std::string features_path;  // where its features belong
  std::string key;            // with this key
  bool finished = false;      // they are there
};

// All that is needed to plan one slide of a study. Of files only the slide and its annotations are
// read then: study, table and lists were read once.
struct SlideJob {
  Study study;
  cohort::SlideEntry slide;
  std::vector<patch::LabelledCentres> centres;  // this slide's rows of the study's lists
  std::optional<double> model_mpp;
  std::string tissue_output = {};  // see RunOptions
};

// The scale of the study's model; opens every training slide, and leaves out those that cannot be
// opened. Errors: verbs::training_mpp's.
std::optional<double> study_mpp(const Study& study, const std::vector<cohort::SlideEntry>& slides,
                                const Context& context);

// For each slide of the table. Errors: those of reading the lists, and study_mpp's.
std::vector<SlideJob> slide_jobs(const Study& study, const std::vector<cohort::SlideEntry>& slides,
                                 const Context& context);

// Plans the slide (its labelled rows, its grid, or both) as run_study would, and writes the plans
// where run_study finds them. encoder: the study's, found once for many slides, since finding it
// hashes its network. Errors: those of the slide.
std::vector<StudyPiece> plan_slide_job(const SlideJob& job, const encoder::EncoderInfo& encoder,
                                       const Context& context);

// Whether features of all the slide's pieces are there, with their keys; plans nothing. Errors: as
// above.
bool slide_job_finished(const SlideJob& job, const encoder::EncoderInfo& encoder,
                        const Context& context);

}  // namespace lamella::study
