// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "lamella/base/error.h"

extern char** environ;

namespace lamella {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);

pid_t start(const std::vector<std::string>& words, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = 0;
  const int failed =
      ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw Error(ErrorCode::kNotFound, fmt::format("cannot be started: {}", std::strerror(failed)),
                words[0]);
  }
  return pid;
}

}  // namespace

int run_process(const std::vector<std::string>& words, const std::string& log,
                const Context& context) {
  const pid_t pid = start(words, log);
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

}  // namespace lamella
