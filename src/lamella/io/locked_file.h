// SPDX-License-Identifier: Apache-2.0
// A file that one process at a time holds, by the operating system's lock (flock).
#pragma once

#include <string>

namespace lamella::io {

struct LockedFile {
  enum class State {
    kMine,     // held until the descriptor is closed
    kHeld,     // another process has it
    kNoLocks,  // the file system has no locks
  };
  int descriptor = -1;  // the caller's to close, whatever the state
  State state = State::kMine;
};

// Opens the file for reading and writing (it is made if absent) and tries to lock it. Unless it is
// held, `path` leads to it: a file that its last holder removed meanwhile is not returned.
// Error kIo if it cannot be opened.
LockedFile open_locked(const std::string& path);

}  // namespace lamella::io
