// SPDX-License-Identifier: Apache-2.0
// The few steps that need a Python framework: files of the Python package, run as they lie beside
// the program, in the source tree or in an installed wheel.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"

namespace lamella::cli {

// Runs `file` ("quantizing.py") with $LAMELLA_PYTHON, else python3; what it prints goes to `log`, a
// file. Scripts that call lamella get this very program (LAMELLA_PROGRAM).
// Error kNotFound: the script or that Python is not there. kUnsupported: it failed: "<what> (exit
// code ...): <its last words>", of `path`.
void run_python_script(const std::string& file, const std::vector<std::string>& words,
                       const std::string& log, const std::string& what, const std::string& path,
                       const Context& context);

// Runs `python -m module` of the Python package with the same Python; it prints where this program
// does. Returns its exit code. Error kNotFound: that Python is not there; kInterrupted.
int run_python_module(const std::string& module, const std::vector<std::string>& words,
                      const Context& context);

}  // namespace lamella::cli
