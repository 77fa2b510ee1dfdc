// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lamella::report {

extern const char* const kPageStyle;   // CSS
extern const char* const kPageScript;  // JavaScript

}  // namespace lamella::report
