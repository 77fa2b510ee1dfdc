// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/phantom/phantom.h"

namespace lamella::cli {

namespace {

struct PhantomCommandOptions {
  phantom::PhantomOptions phantom;
  std::string size;
  std::string out;
};

SizePx parse_size(const std::string& text) {
  const size_t comma = text.find(',');
  const auto width = parse_int(text.substr(0, comma));
  const auto height = comma == std::string::npos ? std::nullopt : parse_int(text.substr(comma + 1));
  if (!width || !height) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--size-px: found '{}', expected WIDTH,HEIGHT", text));
  }
  return {*width, *height};
}

int run_phantom(const PhantomCommandOptions& options, Shell& shell) {
  const Stopwatch watch;
  const auto slides = phantom::make_phantom(options.out, options.phantom, shell.context());
  nlohmann::json object = {{"table", options.out + "/slides.csv"},
                           {"seconds", watch.seconds()},
                           {"synthetic", true},
                           {"slides", nlohmann::json::array()}};
  for (const phantom::PhantomSlide& slide : slides) {
    object["slides"].push_back({{"slide_id", slide.slide_id},
                                {"patient_id", slide.patient_id},
                                {"role", slide.role},
                                {"path", slide.path},
                                {"annotations", slide.annotation_path}});
  }
  shell.print(object, fmt::format("{} synthetic slides of {} x {} px -> {}/slides.csv (they prove "
                                  "that code works, never that medicine does)\n",
                                  slides.size(), options.phantom.size_px.width,
                                  options.phantom.size_px.height, options.out));
  return kDone;
}

}  // namespace

Action add_phantom(CLI::App& app) {
  auto options = std::make_shared<PhantomCommandOptions>();
  phantom::PhantomOptions& phantom = options->phantom;
  app.add_option("--out", options->out, "folder to write")->required()->type_name("DIR");
  app.add_option("--slides", phantom.slides, "number of slides")->capture_default_str();
  app.add_option("--patients", phantom.patients, "number of patients (default: one a slide)");
  app.add_option("--size-px", options->size,
                 fmt::format("size at level 0 (default: {},{})", phantom.size_px.width,
                             phantom.size_px.height))
      ->type_name("W,H");
  app.add_option("--mpp", phantom.mpp, "µm per pixel at level 0")->capture_default_str();
  app.add_option("--tile-px", phantom.tile_px, "side of the stored tiles")->capture_default_str();
  app.add_option("--jpeg-quality", phantom.jpeg_quality, "1-100")->capture_default_str();
  app.add_option("--tissue-scale", phantom.tissue_scale,
                 "sides of the tissue, of what they are otherwise (0.05-1)")
      ->capture_default_str();
  app.add_flag("--sparse", phantom.sparse, "do not store tiles without tissue: they read as white");
  app.add_option("--seed", phantom.seed, "the same seed gives the same bytes")
      ->capture_default_str();
  return [options](Shell& shell) {
    if (!options->size.empty()) options->phantom.size_px = parse_size(options->size);
    options->phantom.validate();
    return run_phantom(*options, shell);
  };
}

}  // namespace lamella::cli
