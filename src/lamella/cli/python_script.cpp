// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/python_script.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/io/files.h"

namespace lamella::cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLog = 600;

std::string find_script(const std::string& file) {
  const fs::path folder = io::own_folder();
  for (const char* place : {"../../python/lamella", "..", ".", "../lamella"}) {
    const fs::path path = (folder / place / file).lexically_normal();
    if (!folder.empty() && io::exists(path.string())) return path.string();
  }
  throw Error(ErrorCode::kNotFound,
              fmt::format("found no {} beside the program; it belongs to lamella's Python package "
                          "(pip install lamella)",
                          file));
}

std::string chosen_python() {
  const char* chosen = std::getenv("LAMELLA_PYTHON");
  ::setenv("LAMELLA_PROGRAM", (io::own_folder() + "/lamella").c_str(), 1);
  return chosen ? chosen : "python3";
}

// The package lies above an installed program, and beside a built one.
void add_package_to_path() {
  for (const char* place : {"../..", "../python"}) {
    const fs::path folder = (fs::path(io::own_folder()) / place).lexically_normal();
    if (!io::exists((folder / "lamella" / "__init__.py").string())) continue;
    const char* before = std::getenv("PYTHONPATH");
    const std::string path =
        before && *before ? std::string(before) + ":" + folder.string() : folder.string();
    ::setenv("PYTHONPATH", path.c_str(), 1);
    return;
  }
}

}  // namespace

int run_python_module(const std::string& module, const std::vector<std::string>& words,
                      const Context& context) {
  std::vector<std::string> command = {chosen_python(), "-m", module};
  command.insert(command.end(), words.begin(), words.end());
  add_package_to_path();
  return run_process(command, "", context);
}

void run_python_script(const std::string& file, const std::vector<std::string>& words,
                       const std::string& log, const std::string& what, const std::string& path,
                       const Context& context) {
  const std::string python = chosen_python();
  std::vector<std::string> command = {python, find_script(file)};
  command.insert(command.end(), words.begin(), words.end());
  const int code = run_process(command, log, context);
  if (code == 0) return;
  std::string text = io::read_text_file(log);
  if (text.size() > kMaxLog) text = "... " + text.substr(text.size() - kMaxLog);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{} (exit code {} of {}): {}", what, code, python, text), path);
}

}  // namespace lamella::cli
