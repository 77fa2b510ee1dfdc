// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/byte_source.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

namespace {

// Ids in the lists that the table does not have, in one warning.
void warn_unknown_ids(const RunState& state) {
  std::set<std::string> known;
  for (const SlideWork& work : state.works) known.insert(to_lower(work.entry.slide_id));
  std::set<std::string> unknown;
  int64_t rows = 0;
  for (const patch::LabelledCentres& list : state.centres) {
    for (const annotation::Centre& centre : list.centres) {
      if (known.contains(to_lower(centre.slide_id))) continue;
      unknown.insert(centre.slide_id);
      ++rows;
    }
  }
  if (unknown.empty()) return;
  std::vector<std::string> first(unknown.begin(), unknown.end());
  if (first.size() > 3) first.resize(3);
  state.context.warn(fmt::format(
      "{} rows of the centre lists name {} slides that the table does not have ({}{}); they are "
      "left out",
      rows, unknown.size(), join(first, ", "), unknown.size() > 3 ? ", …" : ""));
}

// Slides of one cohort whose files ask for different colours.
void warn_of_profiles(const RunState& state) {
  std::map<std::string, std::pair<std::string, int64_t>> found;  // by hash: name, slides
  for (const SlideWork& work : state.works) {
    if (!work.info) continue;
    const auto& icc = work.info->icc;
    auto& [name, slides] = found[icc ? icc->sha256 : ""];
    name = !icc ? "none" : icc->name.empty() ? "without a name" : "'" + icc->name + "'";
    ++slides;
  }
  if (found.size() < 2) return;
  std::vector<std::string> parts;
  for (const auto& [hash, each] : found) {
    if (parts.size() < 8) parts.push_back(fmt::format("{} on {}", each.first, each.second));
  }
  state.context.warn(fmt::format(
      "the slides carry {} different colour profiles ({}), which are not applied; expect their "
      "colours to differ",
      found.size(), join(parts, ", ")));
}

}  // namespace

void open_work(const RunState& state, SlideWork& work) {
  work.slide =
      slide::open_slide(work.entry.path, {.mpp = work.entry.mpp, .image = work.entry.image});
  work.info = work.slide->info();
  for (const std::string& warning : work.info->warnings) {
    state.context.warn(fmt::format("slide '{}': {}", work.entry.slide_id, warning));
  }
  if (!work.entry.annotations.empty()) {
    work.annotations = annotation::read_annotations(work.entry.annotations);
    work.annotations_sha256 = io::file_sha256(work.entry.annotations);
    for (const std::string& note : work.annotations->notes) {
      state.context.warn(fmt::format("slide '{}': {}", work.entry.slide_id, note));
    }
  } else if (state.study.from_annotations && work.entry.role != Role::kScore) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("line {}: slide '{}' has no annotations; patches.from_annotations "
                            "needs them for every train and test slide",
                            work.entry.line, work.entry.slide_id),
                state.study.slides_table);
  }
}

const std::shared_ptr<const slide::Slide>& pixels_of(SlideWork& work) {
  if (work.slide) return work.slide;
  work.slide =
      slide::open_slide(work.entry.path, {.mpp = work.entry.mpp, .image = work.entry.image});
  if (work.slide->info().fingerprint != work.info->fingerprint) {
    throw Error(ErrorCode::kMismatch,
                "was changed since the run began; run again when it is complete", work.entry.path);
  }
  return work.slide;
}

void read_centres(RunState& state) {
  for (const patch::CentreFile& file : state.study.centers) {
    std::vector<std::string> notes;
    state.centres.push_back(
        {annotation::read_ncrf_centres(file.path, &notes), file.label, file.path});
    for (const std::string& note : notes) state.context.warn(file.path + ": " + note);
  }
}

void open_slides(RunState& state) {
  read_centres(state);
  warn_unknown_ids(state);
  const auto total = static_cast<int64_t>(state.works.size());
  int64_t opened = 0;
  for_each_slide(state, [&](SlideWork& work) {
    state.context.report("open slides", opened++, total, "slides");
    open_work(state, work);
  });
  state.context.report("open slides", total, total, "slides");
  refuse_same_slides(state);
  warn_of_profiles(state);

  std::vector<verbs::SlideScale> scales;
  for_each_slide(state, [&](SlideWork& work) {
    if (work.entry.role != Role::kTrain) return;
    const patch::PatchGeometry geometry = patch::resolve_geometry(state.study.patches, *work.info);
    scales.push_back({work.entry.slide_id, geometry.effective_mpp});
  });
  state.model_mpp = verbs::training_mpp(scales);
}

}  // namespace lamella::study
