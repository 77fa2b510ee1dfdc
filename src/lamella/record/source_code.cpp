// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/source_code.h"

#include <unistd.h>

#include <filesystem>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/temporary.h"

namespace lamella::record {

namespace fs = std::filesystem;

namespace {

// What git prints of the folder's repository; nullopt if it has nothing to say.
std::optional<std::string> git(const std::string& folder, std::vector<std::string> words) {
  const std::string log = io::temporary_name((fs::temp_directory_path() / "lamella_git").string());
  // No program that the repository's own settings name is run.
  const std::vector<std::string> call = {"git", "-C", folder, "-c", "core.fsmonitor=false"};
  words.insert(words.begin(), call.begin(), call.end());
  std::optional<std::string> printed;
  try {
    const int code = run_process(words, log, {}, {"GIT_TERMINAL_PROMPT=0", "LC_ALL=C"});
    if (code == 0) printed = std::string(trim(io::read_text_file(log)));
  } catch (const Error&) {
    printed.reset();  // no git here, or no place for its words
  }
  ::unlink(log.c_str());
  return printed;
}

}  // namespace

std::optional<SourceCode> find_source_code(const std::vector<std::string>& folders) {
  constexpr size_t kCommitCharacters = 40;
  for (const std::string& folder : folders) {
    const auto commit =
        git(folder, {"describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"});
    if (!commit || commit->size() < kCommitCharacters) continue;
    SourceCode source;
    source.changed = commit->ends_with('+');
    source.commit = commit->substr(0, commit->size() - (source.changed ? 1 : 0));
    source.branch = git(folder, {"symbolic-ref", "--quiet", "--short", "HEAD"}).value_or("");
    source.repository =
        without_credentials(git(folder, {"config", "--get", "remote.origin.url"}).value_or(""));
    return source;
  }
  return {};
}

}  // namespace lamella::record
