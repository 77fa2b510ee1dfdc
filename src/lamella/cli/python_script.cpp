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

}  // namespace

void run_python_script(const std::string& file, const std::vector<std::string>& words,
                       const std::string& log, const std::string& what, const std::string& path,
                       const Context& context) {
  const char* chosen = std::getenv("LAMELLA_PYTHON");
  const std::string python = chosen ? chosen : "python3";
  std::vector<std::string> command = {python, find_script(file)};
  command.insert(command.end(), words.begin(), words.end());
  ::setenv("LAMELLA_PROGRAM", (io::own_folder() + "/lamella").c_str(), 1);
  const int code = run_process(command, log, context);
  if (code == 0) return;
  std::string text = io::read_text_file(log);
  if (text.size() > kMaxLog) text = "... " + text.substr(text.size() - kMaxLog);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{} (exit code {} of {}): {}", what, code, python, text), path);
}

}  // namespace lamella::cli
