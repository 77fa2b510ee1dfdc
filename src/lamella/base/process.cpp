// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "lamella/base/error.h"

extern char** environ;

namespace lamella {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);

// Those given, then our own that they do not name.
std::vector<char*> with_own(const std::vector<std::string>& given) {
  std::vector<char*> all;
  for (const std::string& one : given) all.push_back(const_cast<char*>(one.c_str()));
  for (char** own = environ; own && *own; ++own) {
    const std::string_view name(*own, std::strcspn(*own, "=") + 1);
    const bool named =
        std::ranges::any_of(given, [&](const std::string& one) { return one.starts_with(name); });
    if (!named) all.push_back(*own);
  }
  all.push_back(nullptr);
  return all;
}

pid_t start(const std::vector<std::string>& words, const std::string& log,
            const std::vector<std::string>& environment) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!log.empty()) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  }
  std::vector<char*> variables = with_own(environment);
  pid_t pid = 0;
  const int failed =
      ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw Error(ErrorCode::kNotFound, fmt::format("cannot be started: {}", std::strerror(failed)),
                words[0]);
  }
  return pid;
}

}  // namespace

int run_process(const std::vector<std::string>& words, const std::string& log,
                const Context& context, const std::vector<std::string>& environment) {
  const pid_t pid = start(words, log, environment);
  int status = 0;
  bool asked = false;
  while (true) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) break;
    if (ended < 0 && errno != EINTR) {
      throw Error(ErrorCode::kInternal,
                  fmt::format("cannot be waited for: {}", std::strerror(errno)), words[0]);
    }
    if (context.cancel.requested() && !asked) {
      ::kill(pid, SIGTERM);
      asked = true;
    }
    std::this_thread::sleep_for(kPoll);
  }
  context.cancel.check();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

namespace {

// A file of /proc; "" if it is not there.
std::string read_proc(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "unknown";
}

std::string own_command() {
  std::string words = read_proc("/proc/self/cmdline");
  while (!words.empty() && words.back() == '\0') words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

std::optional<int64_t> process_start(int64_t pid) {
  const std::string text = read_proc(fmt::format("/proc/{}/stat", pid));
  // The name, in parentheses, may hold anything; the start is the 20th word behind it. A process
  // that has ended but was not waited for (Z, X) is gone.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream words(text.substr(name_end + 1));
  std::string state, word;
  words >> state;
  if (state == "Z" || state == "X") return {};
  for (int i = 0; i < 18; ++i) words >> word;
  int64_t start = 0;
  if (!(words >> start)) return {};
  return start;
}

}  // namespace lamella
