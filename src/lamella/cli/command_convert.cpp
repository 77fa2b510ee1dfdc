// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/verbs/convert.h"

namespace lamella::cli {

namespace {

struct ConvertCommandOptions {
  std::vector<std::string> paths;
  SlideOptions slide;
  verbs::ConvertOptions convert;
};

std::string counts_text(const verbs::Converted& converted) {
  std::string text;
  for (const auto& [what, count] : converted.counts) {
    if (count == 0 || what == "area_px") continue;
    text += fmt::format("{}{:.0f} {}", text.empty() ? "" : ", ", count, what);
  }
  return text.empty() ? "nothing" : text;
}

int run_convert(const ConvertCommandOptions& options, Shell& shell) {
  std::vector<std::string> inputs = options.paths;
  const std::string out = inputs.back();
  inputs.pop_back();
  const std::vector<std::string> outputs = verbs::outputs_of(inputs, out, options.convert);
  nlohmann::json files = nlohmann::json::array();
  std::string text;
  int failed = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    try {
      const Stopwatch watch;
      const verbs::Converted converted =
          verbs::convert(inputs[i], outputs[i], options.slide.path, options.slide.open_options,
                         options.convert, shell.context());
      for (const std::string& warning : converted.warnings) {
        shell.warn(inputs[i] + ": " + warning);
      }
      nlohmann::json file = {
          {"in", converted.in}, {"out", converted.out},           {"from", converted.from},
          {"to", converted.to}, {"warnings", converted.warnings}, {"seconds", watch.seconds()}};
      for (const auto& [what, count] : converted.counts) file[what] = count;
      files.push_back(std::move(file));
      text += fmt::format("{} ({}) -> {} ({}): {}\n", converted.in, converted.from, converted.out,
                          converted.to, counts_text(converted));
    } catch (const Error& error) {
      if (inputs.size() == 1 || error.code() == ErrorCode::kInterrupted) throw;
      ++failed;
      shell.warn(error.what());
      files.push_back({{"in", inputs[i]}, {"error", error.what()}});
    }
  }
  shell.print(inputs.size() == 1 ? files[0] : nlohmann::json{{"files", files}, {"failed", failed}},
              text);
  return failed == 0 ? kDone : kSomeSlidesFailed;
}

}  // namespace

Action add_convert(CLI::App& app) {
  auto options = std::make_shared<ConvertCommandOptions>();
  app.add_option("paths", options->paths,
                 "what is read, and last where it goes; several go into a "
                 "folder")
      ->required()
      ->expected(2, 1'000'000)
      ->type_name("IN... OUT");
  options->slide.add(app);
  add_flags(app, options->convert);
  return [options](Shell& shell) { return run_convert(*options, shell); };
}

}  // namespace lamella::cli
