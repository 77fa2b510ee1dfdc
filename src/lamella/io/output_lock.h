// SPDX-License-Identifier: Apache-2.0
// One process at a time writes an output.
#pragma once

#include <functional>
#include <string>

namespace lamella::io {

// Holds `path`, a file that says who: host, process, since when, by which command. The lock is the
// operating system's (flock) and ends with its process, however that ends; the file is removed.
// On a file system without such locks (some network mounts) the file itself decides: its process is
// looked for by number and start time, on this machine only. One that another machine left there
// is taken for alive.
class OutputLock {
 public:
  // `output`: what is locked, for the message. `warn` gets a text where the lock of another machine
  // was found and the file system says that nobody holds it.
  // Error kIo: who holds it; or the file cannot be written.
  OutputLock(std::string path, const std::string& output, const std::string& command,
             const std::function<void(const std::string&)>& warn = {});
  ~OutputLock();
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace lamella::io
