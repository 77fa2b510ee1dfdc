// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/phantom/phantom.h"

namespace lamella::cli {

namespace {

struct PhantomCommandOptions {
  phantom::PhantomOptions phantom;
  std::string out;
};

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
  app.add_option("--out", options->out, "folder to write")->required()->type_name("DIR");
  add_flags(app, options->phantom);
  return [options](Shell& shell) {
    options->phantom.validate();
    return run_phantom(*options, shell);
  };
}

}  // namespace lamella::cli
