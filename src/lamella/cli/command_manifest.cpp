// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/program.h"
#include "lamella/io/files.h"
#include "lamella/study/manifest.h"

namespace lamella::cli {

namespace {

struct ManifestOptions {
  std::string study, path;
  std::vector<std::string> overrides;
  bool full_hash = false;
  bool verify = false;
};

int write_manifest(const ManifestOptions& options, Shell& shell) {
  const study::Study study = study::read_study(options.study, options.overrides);
  const record::Manifest manifest =
      study::make_manifest(study, options.full_hash, io::parent_folder(options.path));
  int64_t unreadable = 0;
  for (const record::Input& input : manifest.inputs) {
    if (!input.error) continue;
    ++unreadable;
    shell.warn(fmt::format("{}: {}", input.path, *input.error));
  }
  io::write_file_atomic(options.path, record::to_json(manifest).dump(
                                          1, ' ', false, nlohmann::json::error_handler_t::replace) +
                                          "\n");
  shell.print({{"manifest", options.path},
               {"digest", manifest.digest},
               {"digests", manifest.digests},
               {"files", manifest.inputs.size()},
               {"unreadable", unreadable}},
              fmt::format("{} files, digest {} -> {}\n", manifest.inputs.size(),
                          manifest.digest.substr(0, 32), options.path));
  return unreadable == 0 ? kDone : kSomeSlidesFailed;
}

int verify_manifest(const ManifestOptions& options, Shell& shell) {
  const study::ManifestCheck check = study::verify_manifest(options.path);
  nlohmann::json list = nlohmann::json::array();
  std::string text;
  for (const record::Difference& difference : check.differences) {
    list.push_back(record::to_json(difference));
    text += "  " + record::to_text(difference) + "\n";
  }
  shell.print({{"same", check.differences.empty()},
               {"digest", check.digest},
               {"digest_now", check.digest_now},
               {"differences", list}},
              check.differences.empty()
                  ? fmt::format("the same data, digest {}\n", check.digest.substr(0, 32))
                  : fmt::format("digest {} was {}\n{}", check.digest_now.substr(0, 32),
                                check.digest.substr(0, 32), text));
  return check.differences.empty() ? kDone : kFailed;
}

}  // namespace

Action add_manifest(CLI::App& app) {
  auto options = std::make_shared<ManifestOptions>();
  app.require_subcommand(1);
  CLI::App* write = app.add_subcommand("write", "hash every file that a study reads");
  write->fallthrough();
  write->add_option("study", options->study, "study file")->required()->type_name("STUDY.toml");
  write->add_option("--out", options->path, "manifest to write")
      ->required()
      ->type_name("MANIFEST.json");
  write->add_option("--set", options->overrides, "override one key of the study (repeatable)")
      ->type_name("KEY=VALUE");
  write->add_flag("--full-hash", options->full_hash,
                  "SHA-256 of whole slides, not only of samples");
  write->footer("Example:\n  lamella manifest write study.toml --out manifest.json");
  CLI::App* verify = app.add_subcommand("verify", "say what is no longer the same");
  verify->fallthrough();
  verify->add_option("manifest", options->path)->required()->type_name("MANIFEST.json");
  verify->footer("Example:\n  lamella manifest verify manifest.json");
  verify->callback([options] { options->verify = true; });
  return [options](Shell& shell) {
    return options->verify ? verify_manifest(*options, shell) : write_manifest(*options, shell);
  };
}

}  // namespace lamella::cli
