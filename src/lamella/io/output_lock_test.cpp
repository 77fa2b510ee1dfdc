// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/output_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/io/files.h"
#include "lamella/io/locked_file.h"
#include "lamella/io/temporary.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::io {
namespace {

namespace fs = std::filesystem;

class OutputLocks : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  std::string refusal() {
    try {
      const OutputLock lock(at("lock"), "out", "second");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      return error.what();
    }
    return "";
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
};

// A process that does `work`, says so, and waits to be killed.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      work();
      static_cast<void>(::write(ready[1], "x", 1) == 1);
      ::pause();
      ::_exit(0);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Child() { kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

TEST_F(OutputLocks, SayWhoHoldsThemAndEndWithTheirProcess) {
  Child child([&] { new OutputLock(at("lock"), "out", "lamella run a\nb.toml"); });
  const std::string text = refusal();
  EXPECT_TRUE(text.starts_with("out: process " + std::to_string(child.pid()) + " on " +
                               host_name() + ", since 2"))
      << text;
  EXPECT_NE(text.find("(lamella run a b.toml) is writing here"), std::string::npos) << text;
  child.kill();
  EXPECT_TRUE(exists(at("lock"))) << "a killed process leaves its file";
  EXPECT_EQ(refusal(), "");
  EXPECT_FALSE(exists(at("lock")));
}

TEST_F(OutputLocks, AreForOneHolderInAProcessToo) {
  const OutputLock lock(at("lock"), "out", "first");
  EXPECT_NE(refusal().find("(first) is writing here"), std::string::npos);
}

TEST_F(OutputLocks, OfAnotherMachineThatNobodyHoldsAreTakenWithAWarning) {
  write_file_atomic(at("lock"), "elsewhere\n12\n345\n2026-01-01T00:00:00Z\nlamella run x\n");
  std::vector<std::string> warnings;
  const OutputLock lock(at("lock"), "out", "c", [&](const auto& w) { warnings.push_back(w); });
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("process 12 on elsewhere"), std::string::npos) << warnings[0];
}

TEST_F(OutputLocks, SurviveRubbishInTheirFile) {
  for (const char* text : {"", "\n\n\n", "host\nnot a number\n"}) {
    write_file_atomic(at("lock"), text);
    EXPECT_EQ(refusal(), "");
  }
}

TEST_F(OutputLocks, NeedAFolderThatCanBeWritten) {
  write_file_atomic(at("file"), "x");
  EXPECT_THROW(OutputLock(at("file/lock"), "out", "c"), Error);
}

TEST_F(OutputLocks, ProcessesAreToldByNumberAndStart) {
  Child child([] {});
  const auto start = process_start(child.pid());
  ASSERT_TRUE(start);
  EXPECT_GE(*start, *process_start(::getpid()));
  const pid_t pid = child.pid();
  child.kill();
  EXPECT_FALSE(process_start(pid));
  EXPECT_FALSE(process_start(-1));
}

TEST_F(OutputLocks, TemporariesOfDeadProcessesAreRemoved) {
  const std::string own = temporary_name(at("own"));
  EXPECT_NE(temporary_name(at("own")), own);
  write_file_atomic(own, "being written");
  Child child([&] {
    write_file_atomic(temporary_name(at("a")), "x");
    write_file_atomic(temporary_name(at("sub/b")), "x");
    write_file_atomic(temporary_name(at("model")) + "/x", "x");
  });
  const auto count = [&] {
    return std::distance(fs::recursive_directory_iterator(folder_),
                         fs::recursive_directory_iterator());
  };
  write_file_atomic(at("user.tmp"), "not ours");
  remove_left_temporaries(folder_, true);
  EXPECT_EQ(count(), 7) << "all of living processes";
  child.kill();
  remove_left_temporaries(folder_, false);
  EXPECT_EQ(count(), 4) << "own, sub, sub/b, user.tmp";
  remove_left_temporaries(folder_, true);
  EXPECT_EQ(count(), 3);
  EXPECT_TRUE(exists(own));
  // This process's number, but of one that started at another time.
  std::string earlier = own;
  const std::string start = "-" + std::to_string(*process_start(::getpid())) + "-";
  earlier.replace(earlier.find(start), start.size(), "-1-");
  write_file_atomic(earlier, "x");
  remove_left_temporaries(folder_, true);
  EXPECT_FALSE(exists(earlier));
  remove_left_temporaries(at("absent"), true);
}

TEST_F(OutputLocks, OfAFileAreSeenAndRespected) {
  EXPECT_FALSE(nobody_holds(at("file")));  // there is none
  EXPECT_NO_THROW(remove_unless_held(at("file")));
  const LockedFile held = open_locked(at("file"));
  EXPECT_EQ(held.state, LockedFile::State::kMine);
  EXPECT_FALSE(nobody_holds(at("file")));
  remove_unless_held(at("file"));
  EXPECT_TRUE(exists(at("file")));
  ::close(held.descriptor);
  EXPECT_TRUE(nobody_holds(at("file")));
  remove_unless_held(at("file"));
  EXPECT_FALSE(exists(at("file")));
}

}  // namespace
}  // namespace lamella::io
