// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/common_options.h"

#include <fmt/format.h>

#include <sstream>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::cli {

void SlideOptions::add(CLI::App& app) {
  app.add_option("--slide", path, "whole-slide image")->required()->type_name("FILE");
  app.add_option("--slide-id", slide_id, "name of the slide (default: the file's name)")
      ->type_name("ID");
  app.add_option("--slide-mpp", mpp, "µm per pixel at level 0, wins over the file's")
      ->check(positive_number())
      ->type_name("UM");
  app.add_option("--image", image, "which image of a file that holds several: number or name")
      ->type_name("N|NAME");
}

std::string SlideOptions::id() const { return slide_id.empty() ? io::stem(path) : slide_id; }

std::shared_ptr<const slide::Slide> SlideOptions::open(Shell& shell) const {
  return open_slide(path, {.mpp = mpp, .image = image}, shell);
}

std::shared_ptr<const slide::Slide> open_slide(const std::string& path,
                                               const slide::OpenOptions& options, Shell& shell) {
  auto slide = slide::open_slide(path, options);
  for (const std::string& warning : slide->info().warnings) {
    shell.warn(fmt::format("{}: {}", path, warning));
  }
  return slide;
}

CLI::Validator positive_number() {
  return {[](std::string& text) {
            const auto number = parse_double(text);
            if (number && *number > 0) return std::string();
            return fmt::format("found '{}', expected a number above 0, as 0.25", text);
          },
          ""};
}

RectPx parse_region(const std::string& text) {
  std::vector<int64_t> numbers;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto number = parse_int(part);
    if (number) numbers.push_back(*number);
  }
  if (numbers.size() != 4 || numbers[2] <= 0 || numbers[3] <= 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--region: found '{}', expected X,Y,WIDTH,HEIGHT in level-0 px", text));
  }
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

io::OutputLock lock_output(const std::string& out, Shell& shell) {
  std::string name = out;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return io::OutputLock(name + ".lock", out, without_credentials(own_command()),
                        [&shell](const std::string& text) { shell.warn(text); });
}

void add_rate(nlohmann::json& object, int64_t patches, double seconds) {
  object["patches"] = patches;
  object["seconds"] = seconds;
  object["patches_per_second"] = seconds > 0 ? static_cast<double>(patches) / seconds : 0.0;
}

}  // namespace lamella::cli
