// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/encoder/encoder.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/phantom/phantom.h"
#include "lamella/slide/slide.h"
#include "lamella/tracking/run_record.h"

namespace lamella::cli {

namespace {

struct Check {
  std::string name;
  bool good = false;
  std::string found;
};

// A check that throws has failed, with what it threw.
Check run_check(const std::string& name, const std::function<std::string()>& body) {
  try {
    return {name, true, body()};
  } catch (const Error& error) {
    return {name, false, error.what()};
  }
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "lamella_doctor_XXXXXX").string();
    if (!::mkdtemp(pattern.data())) {
      throw Error(ErrorCode::kIo, "the temporary folder is not writable; set TMPDIR", pattern);
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

phantom::PhantomSlide make_slide(const std::string& folder, const Context& context) {
  phantom::PhantomOptions options;
  options.slides = 1;
  options.size_px = {1024, 1024};
  return phantom::make_phantom(folder, options, context).front();
}

std::string check_openslide(const std::string& path) {
  slide::OpenOptions other;
  other.backend = slide::OpenOptions::Backend::kOpenSlide;
  const auto ours = slide::open_slide(path);
  const auto theirs = slide::open_slide(path, other);
  const RectPx whole{-10, -10, 1044, 1044};
  if (slide::read_region(*ours, 0, whole) != slide::read_region(*theirs, 0, whole)) {
    throw Error(ErrorCode::kInternal,
                "lamella's own reader and OpenSlide give different pixels for the same slide",
                path);
  }
  return theirs->info().backend + ", same pixels as lamella's own reader";
}

std::string check_encoder(const std::string& path, const Context& context) {
  const auto slide = slide::open_slide(path);
  const auto plan = patch::plan_grid(slide->info(), "doctor", patch::PatchSpec{256, 0, {}},
                                     tissue::all_tissue(slide->info()), {});
  const auto encoder = encoder::load_encoder(encoder::find_encoder("lite0"),
                                             encoder::Precision::kAuto, context.threads);
  const auto result = encoder::encode_patches(slide, plan, *encoder, context);
  return fmt::format("lite0, {} patches in {}, {:.0f}/s", result.features.rows,
                     encoder::to_string(encoder->precision()),
                     static_cast<double>(result.features.rows) / result.seconds);
}

int run_doctor(Shell& shell) {
  Context context = shell.context();
  context.progress = {};
  const TemporaryFolder folder;
  std::string path;
  std::vector<Check> checks;
  checks.push_back(run_check("make a slide", [&] {
    path = make_slide(folder.path(), context).path;
    return std::string("synthetic, 1024 x 1024 px");
  }));
  checks.push_back(run_check("read it", [&] {
    const auto slide = slide::open_slide(path);
    slide::read_thumbnail(*slide, 256);
    return fmt::format("{}, {} levels, {}", slide->info().format, slide->info().levels.size(),
                       slide->info().backend);
  }));
  checks.push_back(run_check("OpenSlide (other formats)", [&] { return check_openslide(path); }));
  checks.push_back(run_check("encode it", [&] { return check_encoder(path, context); }));

  const nlohmann::json software =
      tracking::describe_software({{"inference_engine", encoder::inference_engine_version()},
                                   {"openslide", slide::openslide_version()}});
  bool good = true;
  std::string text = fmt::format("lamella {}\n", LAMELLA_VERSION);
  nlohmann::json object = {{"software", software}, {"checks", nlohmann::json::array()}};
  for (const auto& [name, value] : software.items()) {
    text += fmt::format("  {:<28} {}\n", name,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  for (const Check& check : checks) {
    good = good && check.good;
    text += fmt::format("{} {:<28} {}\n", check.good ? "✓" : "✗", check.name, check.found);
    object["checks"].push_back(
        {{"name", check.name}, {"good", check.good}, {"found", check.found}});
  }
  object["good"] = good;
  shell.print(object, text + (good ? "all well\n" : "something is missing: see ✗\n"));
  return good ? kDone : kFailed;
}

}  // namespace

Action add_doctor(CLI::App&) {
  return [](Shell& shell) { return run_doctor(shell); };
}

}  // namespace lamella::cli
