// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/report_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <opencv2/imgproc.hpp>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/text.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/record/run_reader.h"
#include "lamella/report/sections_internal.h"
#include "lamella/slide/slide.h"

namespace lamella::report {

namespace {

constexpr int kHeatmapQuality = 78, kPatchQuality = 82;
constexpr double kMostSidePx = 16384;

ReportPicture compressed(const ImageView& image, int quality) {
  const std::vector<uint8_t> bytes = imagefile::encode_jpeg(image, quality);
  return {std::string(bytes.begin(), bytes.end()), image.width, image.height};
}

ReportPicture smaller_picture(const Image& image) {
  const int longer = std::max(image.width(), image.height());
  if (longer <= kHeatmapPx) return compressed(image.view(), kHeatmapQuality);
  const auto side = [&](int px) {
    return std::max(1, static_cast<int>(std::lround(double(px) * kHeatmapPx / longer)));
  };
  const ImageView from = image.view();
  Image to(side(image.width()), side(image.height()), image.channels());
  const int type = CV_8UC(image.channels());
  // OpenCV reads the pixels through a pointer that it wants to be able to write.
  const cv::Mat source(from.height, from.width, type, const_cast<uint8_t*>(from.data),
                       static_cast<size_t>(from.stride));
  cv::Mat target(to.height(), to.width(), type, to.row(0));
  cv::resize(source, target, target.size(), 0, 0, cv::INTER_AREA);
  return compressed(to.view(), kHeatmapQuality);
}

// Why the heat-map is not to be shown, "" if it may be.
std::string fault_of(const record::RunDocument& run, const std::string& name,
                     const std::string& path) {
  if (!io::exists(path)) return "is not there any more";
  const auto output = std::find_if(run.outputs.begin(), run.outputs.end(),
                                   [&](const record::Output& one) { return one.path == name; });
  if (output != run.outputs.end() && output->sha256 != io::file_sha256(path)) {
    return "was overwritten by a later run";
  }
  return "";
}

void add_heatmaps(ReportPictures& pictures, const record::RunDocument& run,
                  const std::string& output, const Context& context) {
  std::vector<const record::Outcome*> slides;
  for (const record::Outcome& slide : run.outcomes) {
    if (slide.heatmap) slides.push_back(&slide);
  }
  std::vector<std::optional<ReportPicture>> made(slides.size());
  std::vector<std::string> faults(slides.size());
  parallel_for(static_cast<int64_t>(slides.size()), context.threads, [&](int64_t i, int) {
    context.cancel.check();
    const auto k = static_cast<size_t>(i);
    const std::string name = "heatmaps/" + slides[k]->slide_id + ".png";
    const std::string path = output + "/" + name;
    faults[k] = fault_of(run, name, path);
    if (!faults[k].empty()) return;
    try {
      made[k] = smaller_picture(imagefile::read_png(path));
    } catch (const Error& error) {
      faults[k] = error.message();
    }
  });
  for (size_t k = 0; k < slides.size(); ++k) {
    if (made[k]) pictures.heatmaps[slides[k]->slide_id] = std::move(*made[k]);
    if (!faults[k].empty()) {
      pictures.missing.push_back(
          fmt::format("the heat-map of slide '{}' {}", slides[k]->slide_id, faults[k]));
    }
  }
}

const record::Input* slide_input(const record::RunDocument& run, const std::string& slide_id) {
  for (const record::Input& input : run.inputs) {
    if (input.kind == "slide" && to_lower(input.slide_id.value_or("")) == to_lower(slide_id)) {
      return &input;
    }
  }
  return nullptr;
}

std::shared_ptr<const slide::Slide> open_recorded(const record::RunDocument& run,
                                                  const record::Input& input) {
  slide::OpenOptions options;
  if (input.mpp && input.mpp_source == slide::to_string(slide::MppSource::kUser)) {
    options.mpp = (*input.mpp)[0];
  }
  options.image = input.image.value_or("");
  auto slide = slide::open_slide(record::recorded_path(run, input.path), options);
  if (input.fingerprint && *input.fingerprint != slide->info().fingerprint) {
    throw Error(ErrorCode::kMismatch, "has changed since the run");
  }
  return slide;
}

// What a patch of this side is on the slide; where the run tells its scale, as the run read it.
patch::PatchSpec spec_of(const record::RunDocument& run, double side_px,
                         const slide::SlideInfo& info) {
  if (run.training && run.training->mpp) {
    return {.size_px = static_cast<int>(run.training->size_px), .mpp = run.training->mpp};
  }
  if (!(side_px >= 1 && side_px <= kMostSidePx)) {
    throw Error(ErrorCode::kNotFound, "the record does not say at which scale it was read");
  }
  if (info.mpp) return {.size_px = kPatchPx, .mpp = info.mpp->x * side_px / kPatchPx};
  return {.size_px = static_cast<int>(std::lround(side_px)), .level = 0};
}

// The patches `rows` of `wrong`, all of one slide.
void add_patches(ReportPictures& pictures, const record::RunDocument& run,
                 const std::vector<evaluation::WrongPatch>& wrong, const std::vector<size_t>& rows,
                 const Context& context) {
  const std::string& slide_id = wrong[rows.front()].slide_id;
  const record::Input* input = slide_input(run, slide_id);
  if (!input) throw Error(ErrorCode::kNotFound, "the record does not say where it is");
  const auto slide = open_recorded(run, *input);
  patch::PatchPlan plan;
  plan.slide_id = slide_id;
  plan.slide_fingerprint = slide->info().fingerprint;
  plan.spec = spec_of(run, wrong[rows.front()].side_px, slide->info());
  plan.geometry = patch::resolve_geometry(plan.spec, slide->info());
  for (const size_t row : rows) {
    plan.rows.push_back({.x_px = static_cast<int64_t>(wrong[row].x_px),
                         .y_px = static_cast<int64_t>(wrong[row].y_px)});
  }
  patch::PatchExtractor extractor(
      slide, plan,
      {.output_px = kPatchPx, .views = {kPatchView}, .on_damage = slide::OnDamage::kSkip});
  for (patch::PatchBatch batch; extractor.next(batch, context);) {
    for (int64_t i = 0; i < batch.count; ++i) {
      const auto k = static_cast<size_t>(i);
      const ImageView view{batch.patch(i).data(), kPatchPx, kPatchPx, 3, kPatchPx * 3};
      pictures.wrong[rows[batch.rows[k]]] = compressed(view, kPatchQuality);
    }
  }
  for (const slide::RegionFailure& failure : extractor.failures()) {
    pictures.missing.push_back(failure.message);
  }
}

void add_wrong(ReportPictures& pictures, const record::RunDocument& run, const Context& context) {
  const std::vector<evaluation::WrongPatch> wrong = wrong_shown(run);
  pictures.wrong.resize(wrong.size());
  std::map<std::string, std::vector<size_t>> by_slide;
  for (size_t k = 0; k < wrong.size(); ++k) by_slide[wrong[k].slide_id].push_back(k);
  for (const auto& [slide_id, rows] : by_slide) {
    context.cancel.check();
    try {
      add_patches(pictures, run, wrong, rows, context);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      pictures.missing.push_back(
          fmt::format("patches of slide '{}': {}", slide_id, error.message()));
    }
  }
}

}  // namespace

std::vector<evaluation::WrongPatch> wrong_shown(const record::RunDocument& run) {
  for (const std::string& role : roles_of(run)) {
    const auto found = run.details.find(role);
    if (found == run.details.end() || found->second.wrong.empty()) continue;
    std::vector<evaluation::WrongPatch> wrong = found->second.wrong;
    if (wrong.size() > kWrongPatchesShown) wrong.resize(kWrongPatchesShown);
    return wrong;
  }
  return {};
}

ReportPictures read_pictures(const record::RunDocument& run, const std::string& output,
                             const Context& context) {
  ReportPictures pictures;
  add_heatmaps(pictures, run, output, context);
  add_wrong(pictures, run, context);
  return pictures;
}

}  // namespace lamella::report
