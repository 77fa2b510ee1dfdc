// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/common_options.h"

#include <fmt/format.h>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/cli/option_flags.h"
#include "lamella/io/files.h"
#include "lamella/slide/open_options.h"

namespace lamella::cli {

CLI::Option* SlideOptions::add(CLI::App& app) {
  CLI::Option* slide = app.add_option("--slide", path, "whole-slide image")->type_name("FILE");
  app.add_option("--slide-id", slide_id, "name of the slide (default: the file's name)")
      ->type_name("ID");
  add_flags(app, {&slide::open_table().list(), &open_options});
  return slide;
}

void add_skip_errors(CLI::App& app, slide::DamageOptions& damage) {
  app.add_flag_function(
         "--skip-errors", [&damage](int64_t) { damage.on_damage = slide::OnDamage::kSkip; },
         "short for --on-damage skip")
      ->excludes(app.get_option("--on-damage"));
}

std::string SlideOptions::id() const { return slide_id.empty() ? io::stem(path) : slide_id; }

std::shared_ptr<const slide::Slide> SlideOptions::open(Shell& shell) const {
  return open_slide(path, open_options, shell);
}

std::shared_ptr<const slide::Slide> open_slide(const std::string& path,
                                               const slide::OpenOptions& options, Shell& shell) {
  auto slide = slide::open_slide(path, options);
  for (const std::string& warning : slide->info().warnings) {
    shell.warn(fmt::format("{}: {}", path, warning));
  }
  return slide;
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
