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

// The file is there, and the file system says that no process holds it.
bool nobody_holds(const std::string& path);
// Removes the file, if there is one, unless another process holds it.
void remove_unless_held(const std::string& path);

}  // namespace lamella::io
