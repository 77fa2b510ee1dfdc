// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/encoder/encoder.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/phantom/phantom.h"
#include "lamella/record/run_json.h"
#include "lamella/record/software.h"
#include "lamella/slide/slide.h"
#include "lamella/tissue/tissue.h"

namespace lamella::cli {

namespace {

struct Check {
  std::string name;
  std::string mend;  // what to do if it fails
  bool good = false;
  std::string found;
};

// A check that throws has failed, with what it threw.
Check run_check(const std::string& name, const std::string& mend,
                const std::function<std::string()>& body) {
  Check check{name, mend, false, ""};
  try {
    check.found = body();
    check.good = true;
  } catch (const std::exception& error) {  // a library's own, too
    check.found = error.what();
  }
  return check;
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

std::string check_plan(const std::string& path, const Context& context) {
  const auto slide = slide::open_slide(path);
  const tissue::TissueMask mask = tissue::make_tissue_mask(*slide, {}, context);
  const auto plan =
      patch::plan_grid(slide->info(), "doctor", patch::PatchSpec{112, {}, 1.0}, mask, {});
  if (plan.rows.empty()) {
    throw Error(ErrorCode::kInternal, "no tissue was found on a slide that is full of it", path);
  }
  return fmt::format("{} patches of tissue at 1 µm/px", plan.rows.size());
}

std::vector<Check> run_checks(const Context& context) {
  const std::string report = "report this with the versions above; 'make build' builds anew";
  std::vector<Check> checks;
  std::optional<TemporaryFolder> folder;
  std::string path;
  const auto add = [&](const std::string& name, const std::string& mend,
                       const std::function<std::string()>& body) {
    if (!checks.empty() && !checks.front().good) return;  // without a slide there is no more to see
    checks.push_back(run_check(name, mend, body));
  };
  add("make a slide", "set TMPDIR to a folder that can be written and has a few MB of room", [&] {
    path = make_slide(folder.emplace().path(), context).path;
    return std::string("synthetic, 1024 x 1024 px");
  });
  add("read it", report, [&] {
    const auto slide = slide::open_slide(path);
    slide::read_thumbnail(*slide, 256);
    return fmt::format("{}, {} levels, {}", slide->info().format, slide->info().levels.size(),
                       slide->info().backend);
  });
  add("find its tissue, plan", report, [&] { return check_plan(path, context); });
  add("OpenSlide (other formats)",
      "'make setup' installs the package openslide-bin; or set LAMELLA_OPENSLIDE to "
      "libopenslide.so",
      [&] { return check_openslide(path); });
  add("encode it",
      "'make setup' writes the encoders; LAMELLA_ENCODERS names the folder they are in",
      [&] { return check_encoder(path, context); });
  return checks;
}

std::string formats_text(nlohmann::json& list) {
  Table table({"format", "files", "read by"});
  for (const slide::FormatSupport& format : slide::format_support()) {
    table.add({format.format, format.files,
               format.backend.empty() ? "not read: " + format.missing : format.backend});
    list.push_back({{"format", format.format},
                    {"files", format.files},
                    {"backend", format.backend},
                    {"missing", format.missing}});
  }
  return table.text();
}

// What is in lists and objects, in one line: "libtiff-4 4.5.0, libpng 1.6".
std::string plain_text(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& [name, item] : value.items()) {
    parts.push_back(value.is_object() ? name + " " + plain_text(item) : plain_text(item));
  }
  return fmt::format("{}", fmt::join(parts, value.is_object() ? ", " : " "));
}

int run_doctor(Shell& shell) {
  Context context = shell.context();
  context.progress = {};
  const std::vector<Check> checks = run_checks(context);
  const nlohmann::json software =
      record::describe_software({{"inference_engine", encoder::inference_engine_version()},
                                 {"openslide", slide::openslide_version()}});
  bool good = true;
  std::string text = fmt::format("lamella {}\n", LAMELLA_VERSION);
  nlohmann::json object = {{"software", software},
                           {"checks", nlohmann::json::array()},
                           {"formats", nlohmann::json::array()}};
  for (const auto& [name, value] : software.items()) {
    text += fmt::format("  {:<28} {}\n", name, plain_text(value));
  }
  text += "\n" + formats_text(object["formats"]) + "\n";
  for (const Check& check : checks) {
    good = good && check.good;
    text += fmt::format("{} {:<28} {}\n", check.good ? "✓" : "✗", check.name, check.found);
    if (!check.good) text += fmt::format("  {:<28} to mend it: {}\n", "", check.mend);
    nlohmann::json item = {{"name", check.name}, {"good", check.good}, {"found", check.found}};
    if (!check.good) item["mend"] = check.mend;
    object["checks"].push_back(item);
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
